#include "core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

namespace cuda_shutdown {

namespace {

// O_DIRECT belongs to the open file, which duplicates share, so it is opened a second time: by its
// descriptor, because its name may meanwhile be another file's. To open a pipe could take for ever.
int open_direct(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return -1;
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
}

constexpr std::size_t round_down(std::size_t bytes) {
  return bytes / File::alignment * File::alignment;
}
constexpr std::size_t round_up(std::size_t bytes) {
  return round_down(bytes + File::alignment - 1);
}

[[noreturn]] void fail(std::uint64_t offset) {
  throw std::system_error(errno, std::generic_category(),
                          "pread at offset " + std::to_string(offset));
}

}  // namespace

File::File(int descriptor) : descriptor_(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "fcntl");
  direct_ = open_direct(descriptor_);
  takes_direct_ = direct_ >= 0;
}

File::~File() {
  close(descriptor_);
  if (direct_ >= 0) close(direct_);
}

void File::read(void* into, std::size_t length, std::uint64_t offset) const {
  auto* target = static_cast<std::byte*>(into);
  while (length > 0) {
    const ssize_t got = pread(descriptor_, target, length, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(offset);
    if (got == 0) {
      throw TruncatedFile("Expected " + std::to_string(length) + " more bytes at offset " +
                          std::to_string(offset) + ", got the end of the file");
    }
    target += got;
    offset += static_cast<std::uint64_t>(got);
    length -= static_cast<std::size_t>(got);
  }
}

// A file that is cached is read from the cache, which is several times faster than any disk; of one
// that is not, a read past the cache spares a copy, and does not push out what others have there.
void File::read_bulk(void* into, std::size_t length, std::uint64_t offset) const {
  auto* const target = static_cast<std::byte*>(into);
  std::size_t done = 0;
  while (done < length) {
    std::size_t got = read_cached(target + done, length - done, offset + done);
    if (got < length - done) got = round_down(got);
    if (got == 0) got = read_direct(target + done, length - done, offset + done);
    done += got;
    // The end of the file, or no O_DIRECT: the plain way, which says what is wrong.
    if (got == 0 || (done < length && done % alignment != 0)) {
      read(target + done, length - done, offset + done);
      return;
    }
  }
}

// What can be had without waiting for the disk; 0 also where the file system cannot tell.
std::size_t File::read_cached(std::byte* into, std::size_t length, std::uint64_t offset) const {
  if (!takes_direct_.load() || !tells_cached_.load()) return 0;
  const iovec whole{into, length};
  const ssize_t got = preadv2(descriptor_, &whole, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  if (got >= 0) return static_cast<std::size_t>(got);
  if (errno != EAGAIN && errno != EINTR) tells_cached_.store(false);
  return 0;
}

// 0 at the end of the file, and where it must be read in another way.
std::size_t File::read_direct(std::byte* into, std::size_t length, std::uint64_t offset) const {
  if (!takes_direct_.load()) return 0;
  for (;;) {
    const ssize_t got = pread(direct_, into, round_up(length), static_cast<off_t>(offset));
    if (got >= 0) return std::min(static_cast<std::size_t>(got), length);
    if (errno == EINTR) continue;
    // Where it does not take the alignment, or is only able to open.
    if (errno == EINVAL || errno == EOPNOTSUPP) takes_direct_.store(false);
    return 0;
  }
}

}  // namespace cuda_shutdown

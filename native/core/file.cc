#include "core/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace cuda_shutdown {

File::File(int descriptor) : descriptor_(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "fcntl");
}

File::~File() { close(descriptor_); }

void File::read(void* into, std::size_t length, std::uint64_t offset) const {
  auto* target = static_cast<std::byte*>(into);
  while (length > 0) {
    const ssize_t got = pread(descriptor_, target, length, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "pread");
    if (got == 0) {
      throw TruncatedFile("Expected " + std::to_string(length) + " more bytes at offset " +
                          std::to_string(offset) + ", got the end of the file");
    }
    target += got;
    offset += static_cast<std::uint64_t>(got);
    length -= static_cast<std::size_t>(got);
  }
}

}  // namespace cuda_shutdown

// A file that is read by position.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace cuda_shutdown {

// The file ended before the data that its header promises.
class TruncatedFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Object lifetime. Reading does not move a position, so threads may share one.
class File {
 public:
  // What reads past the page cache (O_DIRECT) must be aligned to, on every file system.
  static constexpr std::size_t alignment = 4096;

  // Duplicates `descriptor`, so that the caller may close its own while a thread still reads here.
  // Throws std::system_error.
  explicit File(int descriptor);
  ~File();
  File(const File&) = delete;  // Owns the descriptors.
  File& operator=(const File&) = delete;

  // Reads exactly `length` bytes. Throws std::system_error, TruncatedFile.
  void read(void* into, std::size_t length, std::uint64_t offset) const;

  // As read, for the bulk of a file: `into` and `offset` are multiples of `alignment`, and behind
  // `into` there is room for `length` rounded up to the next one. What the page cache holds is
  // taken from there, and the rest is read past it.
  void read_bulk(void* into, std::size_t length, std::uint64_t offset) const;

 private:
  [[nodiscard]] std::size_t read_cached(std::byte* into, std::size_t length,
                                        std::uint64_t offset) const;
  [[nodiscard]] std::size_t read_direct(std::byte* into, std::size_t length,
                                        std::uint64_t offset) const;

  int descriptor_;
  int direct_ = -1;  // Stays so where the file system takes no O_DIRECT.
  // What the first try taught; every thread may learn it again.
  mutable std::atomic<bool> tells_cached_{true};
  mutable std::atomic<bool> takes_direct_{false};
};

}  // namespace cuda_shutdown

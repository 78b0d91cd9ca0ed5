// A file that is read by position.
#pragma once

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
  // Duplicates `descriptor`, so that the caller may close its own while a thread still reads here.
  // Throws std::system_error.
  explicit File(int descriptor);
  ~File();
  File(const File&) = delete;  // Owns the descriptor.
  File& operator=(const File&) = delete;

  // Reads exactly `length` bytes. Throws std::system_error, TruncatedFile.
  void read(void* into, std::size_t length, std::uint64_t offset) const;

 private:
  int descriptor_;
};

}  // namespace cuda_shutdown

// A file without a name that is gone with its last descriptor.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace cuda_shutdown {

class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content) : file_(std::tmpfile()) {
    EXPECT_NE(file_, nullptr);
    EXPECT_EQ(std::fwrite(content.data(), 1, content.size(), file_), content.size());
    EXPECT_EQ(std::fflush(file_), 0);
    std::rewind(file_);
  }
  ~TemporaryFile() { std::fclose(file_); }
  TemporaryFile(const TemporaryFile&) = delete;  // Owns the file.
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] int descriptor() const { return fileno(file_); }
  void truncate(std::size_t length) const {
    EXPECT_EQ(ftruncate(descriptor(), static_cast<off_t>(length)), 0);
  }
  // Has its next reads go to the disk, where it is on one.
  void drop_from_cache() const {
    EXPECT_EQ(fsync(descriptor()), 0);
    EXPECT_EQ(posix_fadvise(descriptor(), 0, 0, POSIX_FADV_DONTNEED), 0);
  }

 private:
  std::FILE* file_;
};

}  // namespace cuda_shutdown

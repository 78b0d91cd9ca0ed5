// A file without a name that is gone with its last descriptor.
#pragma once

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

 private:
  std::FILE* file_;
};

}  // namespace cuda_shutdown

// Reading a file by position.
#include "core/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <system_error>

#include "temporary_file.h"

namespace cuda_shutdown {
namespace {

TEST(File, ReadsAtAPosition) {
  const TemporaryFile content("0123456789");
  const File file(content.descriptor());
  std::array<char, 4> into{};
  file.read(into.data(), 4, 3);
  EXPECT_EQ(std::string(into.data(), 4), "3456");
  file.read(into.data(), 2, 0);
  EXPECT_EQ(std::string(into.data(), 4), "0156");
  file.read(into.data(), 1, 9);
  EXPECT_EQ(into[0], '9');
  EXPECT_EQ(lseek(content.descriptor(), 0, SEEK_CUR), 0) << "no position moves";
}

TEST(File, ReadsNothingAnywhere) {
  const TemporaryFile content("0123456789");
  const File file(content.descriptor());
  EXPECT_NO_THROW(file.read(nullptr, 0, 1000));
}

TEST(File, SaysWhereItEnded) {
  const TemporaryFile content("0123456789");
  const File file(content.descriptor());
  std::array<char, 8> into{};
  try {
    file.read(into.data(), 8, 6);
    FAIL();
  } catch (const TruncatedFile& truncated) {
    EXPECT_STREQ(truncated.what(), "Expected 4 more bytes at offset 10, got the end of the file");
  }
}

TEST(File, OutlivesTheCallersDescriptor) {
  auto content = std::make_unique<TemporaryFile>("0123456789");
  const File file(content->descriptor());
  content.reset();
  std::array<char, 10> into{};
  file.read(into.data(), 10, 0);
  EXPECT_EQ(std::string(into.data(), 10), "0123456789");
}

TEST(File, ClosesItsDescriptorAndKeepsItFromOtherPrograms) {
  const TemporaryFile content("0123456789");
  const int next = dup(content.descriptor());
  close(next);
  {
    const File file(content.descriptor());
    EXPECT_EQ(fcntl(next, F_GETFD), FD_CLOEXEC);
  }
  EXPECT_EQ(fcntl(next, F_GETFD), -1);
}

TEST(File, RefusesWhatIsNoFile) {
  EXPECT_THROW(File(-1), std::system_error);
  const int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const File file(folder);
  close(folder);
  char into = 0;
  try {
    file.read(&into, 1, 0);
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EISDIR);
  }
  EXPECT_THROW(file.read(&into, 1, UINT64_MAX), std::system_error);
}

}  // namespace
}  // namespace cuda_shutdown

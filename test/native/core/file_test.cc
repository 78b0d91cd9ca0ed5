// Reading a file by position.
#include "core/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
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

// Bulk reads: of a file in the cache and of one that is not, of whole pages and of odd ends.
class BulkReads : public testing::TestWithParam<bool> {
 protected:
  static constexpr std::size_t length = 3 * 4096 + 77;
  static constexpr std::size_t room = 4 * 4096;

  BulkReads() {
    std::string content(length, '\0');
    for (std::size_t i = 0; i < length; ++i) content[i] = static_cast<char>(i * 31 >> 3U);
    content_ = content;
    file_ = std::make_unique<TemporaryFile>(content_);
    if (GetParam()) file_->drop_from_cache();
  }

  std::string content_;
  std::unique_ptr<TemporaryFile> file_;
  std::unique_ptr<std::byte, decltype(&std::free)> into_{
      static_cast<std::byte*>(std::aligned_alloc(File::alignment, room)), &std::free};
};

TEST_P(BulkReads, ReadAllThereIs) {
  const File file(file_->descriptor());
  for (const std::size_t offset : {0UL, 4096UL, 3 * 4096UL}) {
    for (const std::size_t count : {1UL, 76UL, length - offset}) {
      file.read_bulk(into_.get(), std::min(count, length - offset), offset);
      EXPECT_EQ(
          std::memcmp(into_.get(), content_.data() + offset, std::min(count, length - offset)), 0)
          << offset << ' ' << count;
    }
  }
}

TEST_P(BulkReads, SayWhereTheFileEnded) {
  const File file(file_->descriptor());
  try {
    file.read_bulk(into_.get(), room - 4096, 4096);
    FAIL();
  } catch (const TruncatedFile& truncated) {
    EXPECT_STREQ(truncated.what(),
                 "Expected 4019 more bytes at offset 12365, got the end of the file");
  }
  file_->truncate(0);
  EXPECT_THROW(file.read_bulk(into_.get(), 1, 0), TruncatedFile);
}

INSTANTIATE_TEST_SUITE_P(Cached, BulkReads, testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Cold, BulkReads, testing::Values(true));

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

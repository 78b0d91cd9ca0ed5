// The watchdog's line in a journal, and the journal that it makes where there is none.
#include "core/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "temporary_file.h"

namespace cuda_shutdown {
namespace {

constexpr Journal::LastWords words{"the deadline of 30000 ms", "SIGTERM", "models, cuda", 1500,
                                   124};
constexpr std::string_view line =
    R"({"event":"watchdog","atMs":1500,"exitCode":124,"what":"the deadline of 30000 ms",)"
    R"("pending":"models, cuda"})"
    "\n";

// Nothing is rewound: what is written stands behind what was there.
std::string content(int descriptor) {
  std::string text(1U << 16U, '\0');
  const ssize_t length = pread(descriptor, text.data(), text.size(), 0);
  text.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return text;
}

class Folder {
 public:
  Folder() { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  ~Folder() {
    for (const std::string& name : names()) unlink((path() + "/" + name).c_str());
    rmdir(path_.data());
  }
  Folder(const Folder&) = delete;  // Owns the folder.
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string path() const { return path_.data(); }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    DIR* folder = opendir(path_.data());
    while (const dirent* entry = folder == nullptr ? nullptr : readdir(folder)) {
      const std::string name = &entry->d_name[0];
      if (name != "." && name != "..") found.push_back(name);
    }
    if (folder != nullptr) closedir(folder);
    return found;
  }

 private:
  std::array<char, 32> path_{"/tmp/cuda-shutdown-XXXXXX"};
};

TEST(Journal, WritesItsLineBehindOneThatWasCutOff) {
  const TemporaryFile file(R"({"event":"begin")");
  lseek(file.descriptor(), 0, SEEK_END);
  Journal journal;
  journal.adopt(file.descriptor());
  journal.prepare(words);
  journal.write_prepared();
  EXPECT_EQ(content(file.descriptor()), R"({"event":"begin")"
                                        "\n" +
                                            std::string(line));
}

TEST(Journal, KeepsADescriptorOfItsOwn) {
  const TemporaryFile file("");
  const int given = dup(file.descriptor());
  Journal journal;
  journal.adopt(given);
  EXPECT_EQ(close(given), 0);
  Journal moved = std::move(journal);
  moved.prepare(words);
  moved.write_prepared();
  EXPECT_EQ(content(file.descriptor()), "\n" + std::string(line));
}

TEST(Journal, WritesNothingWithoutADescriptorAndAFolder) {
  const TemporaryFile file("");
  Journal journal;
  journal.adopt(file.descriptor());
  journal.adopt(-1);
  journal.prepare(words);
  journal.write_prepared();
  EXPECT_EQ(content(file.descriptor()), "");
}

TEST(Journal, WritesOnceWhatWasPreparedOnce) {
  const TemporaryFile file("");
  Journal journal;
  journal.adopt(file.descriptor());
  journal.prepare(words);
  journal.write_prepared();
  journal.write_prepared();
  EXPECT_EQ(content(file.descriptor()), "\n" + std::string(line));
}

TEST(Journal, RefusesADescriptorThatIsNotOpen) {
  Journal journal;
  EXPECT_THROW(journal.adopt(1 << 20), std::system_error);
}

TEST(Journal, SaysNothingOfAFullDisk) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  Journal journal;
  journal.adopt(full);
  close(full);
  journal.prepare(words);
  journal.write_prepared();
}

TEST(Journal, EscapesWhatJsonDoesNotTake) {
  const TemporaryFile file("");
  Journal journal;
  journal.adopt(file.descriptor());
  journal.prepare({"what", "", "a \"step\"\\\n\x1b[31m", 1, 1});
  journal.write_prepared();
  EXPECT_EQ(content(file.descriptor()),
            "\n"
            R"({"event":"watchdog","atMs":1,"exitCode":1,"what":"what",)"
            R"("pending":"a \"step\"\\\u000a\u001b[31m"})"
            "\n");
}

TEST(Journal, MakesOneWhereThereIsNone) {
  const Folder folder;
  Journal journal;
  journal.set_folder(folder.path());
  journal.prepare(words);
  journal.write_prepared();
  ASSERT_EQ(folder.names().size(), 1U);
  const std::string name = folder.names().front();
  const std::string end = "-" + std::to_string(getpid()) + ".journal.jsonl";
  ASSERT_GT(name.size(), end.size());
  EXPECT_EQ(name.substr(name.size() - end.size()), end);
  EXPECT_EQ(name.find(':'), std::string::npos);
  std::ifstream file(folder.path() + "/" + name);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string begin = R"({"event":"begin","version":1,"pid":)" + std::to_string(getpid()) +
                            R"(,"reason":"SIGTERM")";
  EXPECT_EQ(text.substr(0, begin.size()), begin);
  EXPECT_EQ(text.substr(text.find('\n') + 1), line);
}

TEST(Journal, LeavesAFolderAloneThatCannotBeWrittenTo) {
  const Folder folder;
  Journal journal;
  journal.set_folder(folder.path() + "/missing");
  journal.prepare(words);
  journal.write_prepared();
  EXPECT_TRUE(folder.names().empty());
}

TEST(Journal, LeavesOutAPathThatIsTooLong) {
  Journal journal;
  journal.set_folder("/" + std::string(5000, 'a'));
  journal.prepare(words);
  journal.write_prepared();
}

TEST(Journal, CutsATextThatFillsItsLine) {
  const TemporaryFile file("");
  Journal journal;
  journal.adopt(file.descriptor());
  const std::string pending(20'000, 'p');
  journal.prepare({"what", "", pending, 1, 1});
  journal.write_prepared();
  EXPECT_EQ(content(file.descriptor()).size(), 16'384U);
}

}  // namespace
}  // namespace cuda_shutdown

// The journal's last line: whatever the words are, each line is one JSON object.
#include "core/journal.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

namespace {

// Of the strings in a line: closed, escaped, and without control characters.
void expect_line(std::string_view line) {
  expect(line.starts_with("{\"event\":\"") && line.ends_with("}"), "an object");
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    expect(static_cast<unsigned char>(line[i]) >= 0x20U, "no control character");
    if (quoted && line[i] == '\\') {
      ++i;
      expect(i < line.size() && std::string_view("\"\\u").find(line[i]) != std::string_view::npos,
             "an escape of JSON's");
    } else if (line[i] == '"') {
      quoted = !quoted;
    }
  }
  expect(!quoted, "every string to be closed");
}

void expect_lines(std::string text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    expect(end != std::string::npos, "every line to be ended");
    // The first may end one that was cut off.
    if (end > 0) expect_line(text.substr(0, end));
    text.erase(0, end + 1);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  static const int file = memfd_create("journal", MFD_CLOEXEC);
  cuda_shutdown::Journal journal;
  const bool adopts = input.ConsumeBool();
  const auto elapsed = input.ConsumeIntegralInRange<long long>(0, 1LL << 40U);
  const auto exit_code = input.ConsumeIntegral<int>();
  // The bounds of what the watchdog has (watchdog.h).
  const std::string what = input.ConsumeRandomLengthString(64);
  const std::string reason = input.ConsumeRandomLengthString(200);
  const std::string pending = input.ConsumeRandomLengthString(2000);
  if (adopts) {
    expect(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0, "an empty file");
    journal.adopt(file);
  } else {
    journal.set_folder("/nowhere/" + input.ConsumeRemainingBytesAsString());
  }
  journal.prepare({what, reason, pending, elapsed, exit_code});
  journal.write_prepared();
  if (!adopts) return 0;
  std::string written(static_cast<std::size_t>(lseek(file, 0, SEEK_END)), '\0');
  expect(pread(file, written.data(), written.size(), 0) == static_cast<ssize_t>(written.size()),
         "what was written");
  expect(!written.empty(), "a line");
  expect_lines(written);
  return 0;
}

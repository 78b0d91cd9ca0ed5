// The terminal's modes are set back as they were.
#include "core/terminal.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>

namespace cuda_shutdown {
namespace {

// Whether the modes of the terminal are as they were once a raw program is gone. Changes this
// process's own descriptors: in a child.
bool restores(int stream) {
  int controller = -1;
  int terminal = -1;
  if (openpty(&controller, &terminal, nullptr, nullptr, nullptr) != 0) return false;
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(descriptor);
  if (dup2(terminal, stream) < 0) return false;
  termios before{};
  tcgetattr(terminal, &before);
  const Terminal remembered;
  termios raw = before;
  cfmakeraw(&raw);
  tcsetattr(terminal, TCSANOW, &raw);
  remembered.restore();
  termios after{};
  tcgetattr(terminal, &after);
  if (after.c_lflag != before.c_lflag || after.c_iflag != before.c_iflag) return false;
  if (stream != STDERR_FILENO) return true;
  std::array<char, 32> shown{};
  const auto length = read(controller, shown.data(), shown.size());
  // The terminal itself puts a return before the line feed.
  return length > 0 && std::string(shown.data(), static_cast<std::size_t>(length)) ==
                           "\x1b[?2026l\x1b[?25h\r\r\n";
}

TEST(Terminal, IsSetBackWhicheverStreamItIs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    EXPECT_EXIT(std::_Exit(restores(stream) ? 0 : 1), testing::ExitedWithCode(0), "") << stream;
  }
}

TEST(Terminal, IsNothingWithoutOne) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(descriptor);
        Terminal().restore();
        write_to_stderr("nobody reads", 12, 10);
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace cuda_shutdown

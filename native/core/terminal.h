// The terminal's modes as they were, for the end that no JavaScript sees.
#pragma once

#include <termios.h>

#include <cstddef>

namespace cuda_shutdown {

// Object lifetime. Remembers the modes of the first of stdin, stdout and stderr that is a terminal.
class Terminal {
 public:
  Terminal() noexcept;
  // Sets the modes back, shows the cursor and begins a line. Does nothing without a terminal. The
  // calling thread must have SIGTTOU blocked, or a background process would be stopped here.
  void restore() const noexcept;

 private:
  int descriptor_ = -1;
  termios modes_{};
};

// Writes to stderr what it takes within about `limit_ms`, and loses the rest: a reader that has
// stopped reading must not hold up an end.
void write_to_stderr(const char* text, std::size_t length, int limit_ms) noexcept;

}  // namespace cuda_shutdown

#include "core/terminal.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace cuda_shutdown {

Terminal::Terminal() noexcept {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (isatty(descriptor) == 0 || tcgetattr(descriptor, &modes_) != 0) continue;
    descriptor_ = descriptor;
    return;
  }
}

void Terminal::restore() const noexcept {
  if (descriptor_ < 0) return;
  tcsetattr(descriptor_, TCSANOW, &modes_);
  // Shows what a frame may hold back, the cursor, and begins a line: a spinner may stand there.
  static constexpr char as_it_was[] = "\x1b[?2026l\x1b[?25h\r\n";
  if (isatty(STDERR_FILENO) != 0) write_to_stderr(as_it_was, sizeof(as_it_was) - 1, 20);
}

void write_to_stderr(const char* text, std::size_t length, int limit_ms) noexcept {
  while (length > 0) {
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (poll(&ready, 1, limit_ms) != 1 || (ready.revents & POLLOUT) == 0) return;
    // A pipe that polls writable takes PIPE_BUF bytes without blocking.
    const ssize_t written = write(STDERR_FILENO, text, std::min<std::size_t>(length, PIPE_BUF));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text += written;
    length -= static_cast<std::size_t>(written);
  }
}

}  // namespace cuda_shutdown

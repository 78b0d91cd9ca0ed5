// Signal handlers chained in front of those that stand, which see a signal also while JavaScript is
// blocked: libuv's handler only writes to a pipe that the event loop reads.
//
// Process lifetime, because signal dispositions are. The handler itself uses nothing but lock-free
// atomics, clock_gettime, write and the handler that stood before.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <vector>

#include "core/limits.h"

namespace cuda_shutdown::signal_chain {

struct Arrival {
  int signal;
  Clock::time_point at;
};

// Every arrival writes to `wake_fd`, an eventfd. What the process `once_from` sends by kill() may
// be the first signal and is never a second one; 0 is no such process. Throws std::system_error;
// then nothing is changed.
void install(const std::vector<int>& signals, int wake_fd, pid_t once_from = 0);
// Gives back every handler that is still ours. One that somebody has chained in front of since
// stays in the chain and only passes on.
void uninstall() noexcept;

// The first signal since install() or forget().
[[nodiscard]] std::optional<Arrival> first() noexcept;
// The latest one that came more than `window` after the first.
[[nodiscard]] std::optional<Arrival> second(std::chrono::milliseconds window) noexcept;
void forget() noexcept;

}  // namespace cuda_shutdown::signal_chain

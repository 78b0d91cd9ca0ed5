#include "core/signal_chain.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

namespace cuda_shutdown::signal_chain {

namespace {

// Process lifetime, all of it. `previous` is written before the handler that reads it is installed.
std::array<struct sigaction, NSIG> previous{};
std::array<bool, NSIG> chained{};
// An arrival as one word: microseconds of the steady clock above 8 bits of signal number; 0 is
// none.
std::atomic<std::uint64_t> first_arrival{0};
std::atomic<std::uint64_t> latest_arrival{0};
std::atomic<int> wake_descriptor{-1};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

constexpr unsigned signal_bits = 8;

std::uint64_t pack(int signal) noexcept {
  // Clock is CLOCK_MONOTONIC, read by clock_gettime, which POSIX lists as async-signal-safe.
  const auto since_boot = Clock::now().time_since_epoch();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since_boot).count();
  return static_cast<std::uint64_t>(micros) << signal_bits | static_cast<std::uint64_t>(signal);
}

Arrival unpack(std::uint64_t word) noexcept {
  const std::chrono::microseconds since_boot(static_cast<std::int64_t>(word >> signal_bits));
  return {static_cast<int>(word & ((1U << signal_bits) - 1)), Clock::time_point(since_boot)};
}

void on_signal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const std::uint64_t arrival = pack(signal);
  std::uint64_t none = 0;
  if (!first_arrival.compare_exchange_strong(none, arrival)) latest_arrival.store(arrival);
  const int descriptor = wake_descriptor.load();
  if (descriptor >= 0) {
    const std::uint64_t one = 1;
    static_cast<void>(!write(descriptor, &one, sizeof(one)));
  }
  const struct sigaction& before = previous[static_cast<std::size_t>(signal)];
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    if (before.sa_sigaction != nullptr) before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  }
  errno = saved_errno;
}

bool is_ours(int signal) noexcept {
  struct sigaction current {};
  return sigaction(signal, nullptr, &current) == 0 && (current.sa_flags & SA_SIGINFO) != 0 &&
         current.sa_sigaction == on_signal;
}

void chain(int signal) {
  const auto slot = static_cast<std::size_t>(signal);
  if (is_ours(signal)) return;
  struct sigaction before {};
  if (sigaction(signal, nullptr, &before) != 0) {
    throw std::system_error(errno, std::generic_category(), "sigaction");
  }
  previous[slot] = before;
  struct sigaction ours = before;
  ours.sa_flags = (before.sa_flags & SA_ONSTACK) | SA_SIGINFO | SA_RESTART;
  ours.sa_sigaction = on_signal;
  if (sigaction(signal, &ours, nullptr) != 0) {
    throw std::system_error(errno, std::generic_category(), "sigaction");
  }
  chained[slot] = true;
}

}  // namespace

void install(const std::vector<int>& signals, int wake_fd) {
  forget();
  wake_descriptor.store(wake_fd);
  try {
    for (const int signal : signals) chain(signal);
  } catch (...) {
    uninstall();
    throw;
  }
}

void uninstall() noexcept {
  wake_descriptor.store(-1);
  for (int signal = 1; signal < NSIG; ++signal) {
    const auto slot = static_cast<std::size_t>(signal);
    if (!chained[slot] || !is_ours(signal)) continue;
    sigaction(signal, &previous[slot], nullptr);
    chained[slot] = false;
  }
}

std::optional<Arrival> first() noexcept {
  const auto word = first_arrival.load();
  if (word == 0) return std::nullopt;
  return unpack(word);
}

std::optional<Arrival> second(std::chrono::milliseconds window) noexcept {
  const auto one = first();
  const auto word = latest_arrival.load();
  if (!one || word == 0) return std::nullopt;
  const Arrival latest = unpack(word);
  if (latest.at <= one->at + window) return std::nullopt;
  return latest;
}

void forget() noexcept {
  first_arrival.store(0);
  latest_arrival.store(0);
}

}  // namespace cuda_shutdown::signal_chain

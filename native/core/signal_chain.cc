#include "core/signal_chain.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

namespace cuda_shutdown::signal_chain {

namespace {

// A handler that somebody has chained in front of stays in the chain behind theirs, and must go on
// calling what stood before it. To stand in front again takes another handler then, or the two
// would call each other in a circle: there is one for each level.
constexpr std::size_t levels = 8;

// Process lifetime, all of it. `previous` is written before the handler that reads it is installed.
struct Link {
  struct sigaction previous {};
  bool in_use = false;
};
std::array<std::array<Link, levels>, NSIG> links{};
// An arrival as one word: microseconds of the steady clock above 8 bits of signal number; 0 is
// none.
std::atomic<std::uint64_t> first_arrival{0};
std::atomic<std::uint64_t> latest_arrival{0};
constexpr int uninstalled = -1;
std::atomic<int> wake_descriptor{uninstalled};
std::atomic<pid_t> sends_once{0};
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

// A terminal's signals come from the kernel, and their si_pid says nothing.
bool was_sent_by(const siginfo_t& info, pid_t process) noexcept {
  return process != 0 && info.si_code <= 0 && info.si_pid == process;
}

template <std::size_t level>
void on_signal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  // Two levels of one signal record it twice, as duplicates of each other.
  const int descriptor = wake_descriptor.load();
  if (descriptor != uninstalled) {
    const std::uint64_t arrival = pack(signal);
    std::uint64_t none = 0;
    if (!first_arrival.compare_exchange_strong(none, arrival) &&
        !was_sent_by(*info, sends_once.load())) {
      latest_arrival.store(arrival);
    }
    const std::uint64_t one = 1;
    static_cast<void>(!write(descriptor, &one, sizeof(one)));
  }
  const struct sigaction& before = links[static_cast<std::size_t>(signal)][level].previous;
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    if (before.sa_sigaction != nullptr) before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  }
  errno = saved_errno;
}

using Handler = void (*)(int, siginfo_t*, void*);

template <std::size_t... level>
constexpr std::array<Handler, levels> handlers_of(std::index_sequence<level...>) {
  return {on_signal<level>...};
}
constexpr std::array<Handler, levels> handlers = handlers_of(std::make_index_sequence<levels>());

bool same_handler(const struct sigaction& one, const struct sigaction& other) noexcept {
  if ((one.sa_flags & SA_SIGINFO) != (other.sa_flags & SA_SIGINFO)) return false;
  return (one.sa_flags & SA_SIGINFO) != 0 ? one.sa_sigaction == other.sa_sigaction
                                          : one.sa_handler == other.sa_handler;
}

// The level whose handler it is; `levels` where it is none of ours.
std::size_t level_of(const struct sigaction& action) noexcept {
  if ((action.sa_flags & SA_SIGINFO) == 0) return levels;
  return static_cast<std::size_t>(std::find(handlers.begin(), handlers.end(), action.sa_sigaction) -
                                  handlers.begin());
}

// A handler that stands in front again without ours, which it stood behind, has not chained to ours
// but replaced it: nobody calls those levels any more.
void forget_replaced(std::array<Link, levels>& of_signal, const struct sigaction& front) noexcept {
  for (Link& link : of_signal) {
    if (link.in_use && same_handler(link.previous, front)) link.in_use = false;
  }
}

void chain(int signal) {
  struct sigaction before {};
  if (sigaction(signal, nullptr, &before) != 0) {
    throw std::system_error(errno, std::generic_category(), "sigaction");
  }
  if (level_of(before) < levels) return;
  auto& of_signal = links[static_cast<std::size_t>(signal)];
  forget_replaced(of_signal, before);
  const auto free = std::find_if(of_signal.begin(), of_signal.end(),
                                 [](const Link& link) { return !link.in_use; });
  if (free == of_signal.end()) {
    throw std::system_error(EAGAIN, std::generic_category(),
                            "a signal handler that was chained in front of too often");
  }
  free->previous = before;
  struct sigaction ours = before;
  ours.sa_flags = (before.sa_flags & SA_ONSTACK) | SA_SIGINFO | SA_RESTART;
  ours.sa_sigaction = handlers[static_cast<std::size_t>(free - of_signal.begin())];
  if (sigaction(signal, &ours, nullptr) != 0) {
    throw std::system_error(errno, std::generic_category(), "sigaction");
  }
  free->in_use = true;
}

}  // namespace

void install(const std::vector<int>& signals, int wake_fd, pid_t once_from) {
  forget();
  sends_once.store(once_from);
  wake_descriptor.store(wake_fd);
  try {
    for (const int signal : signals) chain(signal);
  } catch (...) {
    uninstall();
    throw;
  }
}

void uninstall() noexcept {
  wake_descriptor.store(uninstalled);
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction current {};
    if (sigaction(signal, nullptr, &current) != 0) continue;
    const auto level = level_of(current);
    if (level == levels) continue;
    Link& link = links[static_cast<std::size_t>(signal)][level];
    sigaction(signal, &link.previous, nullptr);
    link.in_use = false;
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

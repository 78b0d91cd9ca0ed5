#include "core/watchdog.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace cuda_shutdown {

namespace {

using std::chrono::milliseconds;

// How long the last words and the terminal may take before the backstop ends the process.
constexpr milliseconds last_words_time{150};

std::string_view signal_name(int signal) noexcept {
  switch (signal) {
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    case SIGHUP:
      return "SIGHUP";
    default: {
      const char* const name = sigabbrev_np(signal);
      return name != nullptr ? name : "a signal";
    }
  }
}

void block_all_signals() noexcept {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

int poll_timeout(Clock::time_point until) noexcept {
  if (until == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

int made_eventfd() {
  const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return descriptor;
}

}  // namespace

template <std::size_t size>
void Watchdog::Text<size>::set(std::string_view text) noexcept {
  length_ = std::min(text.size(), size);
  // Never half a UTF-8 character: a continuation byte starts with the bits 10.
  while (length_ < text.size() && length_ > 0 &&
         (static_cast<unsigned char>(text[length_]) & 0xC0U) == 0x80U) {
    --length_;
  }
  std::memcpy(text_.data(), text.data(), length_);
}

Watchdog& Watchdog::instance() {
  static auto* const watchdog = new Watchdog;
  return *watchdog;
}

Watchdog::Watchdog() : wake_fd_(made_eventfd()) {}

void Watchdog::start_threads() {
  if (!runs_) std::thread([this] { run(); }).detach();
  runs_ = true;
  if (!backstop_runs_) std::thread([this] { run_backstop(); }).detach();
  backstop_runs_ = true;
}

void Watchdog::arm(const WatchdogOptions& options) {
  const std::lock_guard lock(mutex_);
  if (armed_) throw std::logic_error("Expected the watchdog to be disarmed, got one that is armed");
  start_threads();
  // What can fail comes before the signals, which nobody would take back.
  WatchdogOptions copy = options;
  signal_chain::install(options.signals, wake_fd_, options.once_from);
  options_ = std::move(copy);
  terminal_ = Terminal();
  begun_.reset();
  decided_.reset();
  pending_.set("");
  journal_ = Journal();
  armed_ = true;
  wake();
}

void Watchdog::disarm() noexcept {
  const std::lock_guard lock(mutex_);
  if (!armed_) return;
  signal_chain::uninstall();
  signal_chain::forget();
  begun_.reset();
  journal_ = Journal();
  armed_ = false;
  wake();
}

void Watchdog::begin(std::string_view reason) noexcept {
  const std::lock_guard lock(mutex_);
  if (counting_since()) return;
  reason_.set(reason);
  begun_ = Clock::now();
  wake();
}

void Watchdog::finish() noexcept {
  const std::lock_guard lock(mutex_);
  signal_chain::forget();
  begun_.reset();
  decided_.reset();
  journal_.close();
  wake();
}

std::optional<signal_chain::Arrival> Watchdog::arrival() const noexcept {
  return signal_chain::first();
}

void Watchdog::set_pending(std::string_view text) noexcept {
  const std::lock_guard lock(mutex_);
  pending_.set(text);
}

void Watchdog::set_journal_folder(std::string_view path) {
  const std::lock_guard lock(mutex_);
  journal_.set_folder(path);
}

void Watchdog::set_journal(int descriptor) {
  const std::lock_guard lock(mutex_);
  journal_.adopt(descriptor);
}

void Watchdog::decide(int exit_code) noexcept {
  const std::lock_guard lock(mutex_);
  decided_ = exit_code;
}

void Watchdog::wake() const noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!write(wake_fd_, &one, sizeof(one)));
}

std::optional<Clock::time_point> Watchdog::counting_since() const noexcept {
  if (begun_) return begun_;
  if (const auto signal = signal_chain::first()) return signal->at;
  return std::nullopt;
}

void Watchdog::run() {
  pthread_setname_np(pthread_self(), "cuda-watchdog");
  block_all_signals();
  for (auto next = Clock::time_point::max();;) {
    pollfd woken{wake_fd_, POLLIN, 0};
    if (poll(&woken, 1, poll_timeout(next)) > 0) {
      std::uint64_t count = 0;
      static_cast<void>(!read(wake_fd_, &count, sizeof(count)));
    }
    next = look();
  }
}

Clock::time_point Watchdog::look() {
  std::unique_lock lock(mutex_);
  const auto since = counting_since();
  if (!armed_ || !since) return Clock::time_point::max();
  const auto now = Clock::now();
  auto next = options_.timeout >= std::chrono::hours(24 * 365) ? Clock::time_point::max()
                                                               : *since + options_.timeout;
  if (now >= next) {
    std::array<char, 64> what{};
    std::snprintf(what.data(), what.size(), "the deadline of %lld ms passed",
                  static_cast<long long>(options_.timeout.count()));
    end_process(std::move(lock), deadline_exit_code, what.data());
  }
  if (const auto second = signal_chain::second(options_.duplicate_window)) {
    const auto end = second->at + options_.second_signal_grace;
    if (now >= end) {
      end_process(std::move(lock), 128 + second->signal, "a second signal ended it");
    }
    next = std::min(next, end);
  }
  return next;
}

void Watchdog::end_process(std::unique_lock<std::mutex> lock, int exit_code,
                           std::string_view what) {
  std::array<char, 2600> words{};
  if (decided_) exit_code = *decided_;
  ending_with_ = exit_code;
  const Terminal terminal = terminal_;
  const auto signal = signal_chain::first();
  const std::string_view reason = begun_ || !signal ? reason_.get() : signal_name(signal->signal);
  const auto since = counting_since();
  const long long elapsed =
      since ? std::chrono::duration_cast<milliseconds>(Clock::now() - *since).count() : 0;
  Journal journal = std::move(journal_);
  journal.prepare({what, reason, pending_.get(), elapsed, exit_code});
  const std::string_view pending =
      pending_.get().empty() ? "no step (an exit listener, or native code)" : pending_.get();
  const int length = std::snprintf(
      words.data(), words.size(),
      "cuda-shutdown: %.*s, %lld ms after %.*s; pending: %.*s; exit code %d\n",
      static_cast<int>(what.size()), what.data(), elapsed, static_cast<int>(reason.size()),
      reason.data(), static_cast<int>(pending.size()), pending.data(), exit_code);
  lock.unlock();
  ending_.notify_all();
  terminal.restore();
  write_to_stderr(words.data(),
                  std::min(static_cast<std::size_t>(std::max(length, 0)), words.size() - 1), 50);
  // Last, because a sick disk may hang it until the backstop ends the process.
  journal.write_prepared();
  _exit(exit_code);
}

void Watchdog::run_backstop() {
  pthread_setname_np(pthread_self(), "cuda-backstop");
  block_all_signals();
  std::unique_lock lock(mutex_);
  ending_.wait(lock, [this] { return ending_with_.has_value(); });
  const int exit_code = *ending_with_;
  lock.unlock();
  std::this_thread::sleep_for(last_words_time);
  _exit(exit_code);
}

}  // namespace cuda_shutdown

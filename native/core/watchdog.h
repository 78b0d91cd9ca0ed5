// The thread that ends the process when nothing else does.
//
//   disarmed ──arm()──► armed ──signal or begin()──► counting ──deadline──► the process ends
//      ▲                  ▲                             │  └─ second signal and grace ─► it ends
//      └────disarm()──────┴───────────finish()──────────┘
//
// It sees signals by itself (signal_chain.h), so a blocked event loop, a hung `exit` listener, a
// hung static destructor or a stuck device thread cannot outlive the deadline. Before it ends the
// process it says on stderr what was pending, sets the terminal back and adds the last line to the
// journal; a second thread ends the process should even that hang.
//
// Process lifetime: there is one, and its threads are never joined.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/journal.h"
#include "core/limits.h"
#include "core/signal_chain.h"
#include "core/terminal.h"

namespace cuda_shutdown {

struct WatchdogOptions {
  std::vector<int> signals;
  std::chrono::milliseconds timeout{30'000};
  // A signal this soon after the first is a duplicate of it.
  std::chrono::milliseconds duplicate_window{500};
  // How long the process may take to end by itself after a second signal.
  std::chrono::milliseconds second_signal_grace{250};
  // A process whose signals are never second ones, as they only repeat what was asked already.
  pid_t once_from = 0;
};

// Thread-safe. The thread waits on an eventfd, which the signal handler can write to.
class Watchdog {
 public:
  static constexpr int deadline_exit_code = 124;

  static Watchdog& instance();
  Watchdog(const Watchdog&) = delete;  // There is one.
  Watchdog& operator=(const Watchdog&) = delete;

  // Throws std::logic_error when it is armed already, std::system_error.
  void arm(const WatchdogOptions& options);
  void disarm() noexcept;
  // Counts from now, unless it counts already, or a signal has come before.
  void begin(std::string_view reason) noexcept;
  void finish() noexcept;
  [[nodiscard]] std::optional<signal_chain::Arrival> arrival() const noexcept;
  // What it will say was pending; cut to fit.
  void set_pending(std::string_view text) noexcept;
  // Where the journal of a shutdown goes that JavaScript never saw; empty: nowhere.
  void set_journal_folder(std::string_view path);
  // The journal of the shutdown that has begun. Duplicates the descriptor; a negative one is none.
  void set_journal(int descriptor);
  // The exit code that the process ends with from now on, whoever ends it.
  void decide(int exit_code) noexcept;

 private:
  // A text of bounded length: nothing is allocated while the process is being ended.
  template <std::size_t size>
  class Text {
   public:
    void set(std::string_view text) noexcept;
    [[nodiscard]] std::string_view get() const noexcept { return {text_.data(), length_}; }

   private:
    std::array<char, size> text_{};
    std::size_t length_ = 0;
  };

  Watchdog();
  // With the first arm(), and not with the object, which a thread that runs already would outlive
  // where the other cannot be started.
  void start_threads();
  [[noreturn]] void run();
  [[noreturn]] void run_backstop();
  // Ends the process if it is time; else answers when to look again.
  Clock::time_point look();
  // With the lock of the look that decided it, so that nobody stops it in between.
  [[noreturn]] void end_process(std::unique_lock<std::mutex> lock, int exit_code,
                                std::string_view what);
  [[nodiscard]] std::optional<Clock::time_point> counting_since() const noexcept;
  void wake() const noexcept;

  const int wake_fd_;
  mutable std::mutex mutex_;  // Guards everything below. Not taken by the signal handler.
  std::condition_variable ending_;
  bool runs_ = false;
  bool backstop_runs_ = false;
  bool armed_ = false;
  WatchdogOptions options_;
  Terminal terminal_;
  std::optional<Clock::time_point> begun_;
  Text<200> reason_;
  Text<2000> pending_;
  Journal journal_;
  std::optional<int> decided_;
  std::optional<int> ending_with_;
};

}  // namespace cuda_shutdown

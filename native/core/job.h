// One piece of work for a lane, from its submission to its settlement.
//
//   queued ──► running ──► settled as done, failed or interrupted
//      │          └──────► settled as stuck ──► returned
//      └─► settled as interrupted (cancelled or out of time before it began)
//
// A job settles exactly once. `stuck` means that it was told to stop, and the grace after that has
// passed, but its thread is still inside a call that cannot be cancelled. If the call comes back
// after all, the work sees that its time is over, ends, and `returned` is called.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>

#include "core/limits.h"

namespace cuda_shutdown {

enum class Outcome { done, failed, interrupted, stuck };

// Jobs that go one behind the other, whatever that takes: none overtakes another of its convoy. 0
// is no convoy.
using Convoy = std::uint32_t;

struct Settlement {
  Outcome outcome;
  std::exception_ptr error;  // Set exactly where the outcome is `failed`.
};

class Job {
 public:
  // Answers `done` or `interrupted`; a throw is `failed`.
  using Work = std::function<Outcome(const Limits&)>;
  // Called on the lane's or the supervisor's thread, holding no lock but the job's own.
  // Must not throw, nor settle its own job.
  using Settled = std::function<void(const Settlement&)>;
  using Returned = std::function<void()>;

  Job(Work work, Settled settled, Returned returned, Deadline deadline, Convoy convoy = 0);
  Job(const Job&) = delete;  // A job has one identity: its lane and its canceller share it.
  Job& operator=(const Job&) = delete;

  // Thread-safe; may be called at any time, also twice.
  void cancel() noexcept { stop_.request_stop(); }
  [[nodiscard]] bool over(Clock::time_point now) const noexcept {
    return stop_.stop_requested() || now >= deadline_;
  }
  [[nodiscard]] Deadline deadline() const noexcept { return deadline_; }
  [[nodiscard]] bool may_overtake(const Job& other) const noexcept {
    return convoy_ == 0 || convoy_ != other.convoy_;
  }
  // When it last gave a sign of life: began, or asked its limits.
  [[nodiscard]] Clock::time_point heartbeat() const noexcept;

  // For its lane, when it leaves the queue: the time it waited there is no stall.
  void begin() noexcept;
  // Runs the work on the calling thread, and settles it unless somebody has; else calls `returned`.
  void run() noexcept;
  // Settles one that no thread has begun nor will begin, and lets go of what its work holds:
  // whoever may still cancel it keeps the job itself.
  void settle_unrun(const Settlement& settlement) noexcept;
  // True if this call settled it; false if it was settled already.
  bool settle(const Settlement& settlement) noexcept;

 private:
  std::stop_source stop_;
  const Deadline deadline_;
  const Convoy convoy_;
  std::atomic<Clock::rep> heartbeat_;
  // Touched only by the thread that runs it, or that took it out of the queue unrun; emptied there,
  // so that what it holds goes.
  Work work_;
  // Guards what follows, and is held while a callback runs: `returned` must not overtake `settled`.
  std::mutex callbacks_;
  bool is_settled_ = false;
  Settled settled_;
  Returned returned_;
};

}  // namespace cuda_shutdown

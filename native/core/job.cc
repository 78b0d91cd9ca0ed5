#include "core/job.h"

#include <utility>

namespace cuda_shutdown {

Job::Job(Work work, Settled settled, Returned returned, Deadline deadline, Convoy convoy)
    : deadline_(deadline),
      convoy_(convoy),
      heartbeat_(Clock::now().time_since_epoch().count()),
      work_(std::move(work)),
      settled_(std::move(settled)),
      returned_(std::move(returned)) {}

Clock::time_point Job::heartbeat() const noexcept {
  return Clock::time_point(Clock::duration(heartbeat_.load(std::memory_order_relaxed)));
}

void Job::begin() noexcept {
  heartbeat_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

void Job::run() noexcept {
  const Limits limits(stop_.get_token(), deadline_, &heartbeat_);
  Settlement settlement{Outcome::interrupted, nullptr};
  try {
    if (!limits.over()) settlement.outcome = work_(limits);
  } catch (...) {
    settlement = {Outcome::failed, std::current_exception()};
  }
  work_ = nullptr;
  if (settle(settlement)) return;
  const std::lock_guard lock(callbacks_);
  if (returned_) returned_();
  returned_ = nullptr;
}

void Job::settle_unrun(const Settlement& settlement) noexcept {
  work_ = nullptr;
  settle(settlement);
}

bool Job::settle(const Settlement& settlement) noexcept {
  const std::lock_guard lock(callbacks_);
  if (is_settled_) return false;
  is_settled_ = true;
  settled_(settlement);
  settled_ = nullptr;
  if (settlement.outcome != Outcome::stuck) returned_ = nullptr;
  return true;
}

}  // namespace cuda_shutdown

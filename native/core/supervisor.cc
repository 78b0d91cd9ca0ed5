#include "core/supervisor.h"

#include <pthread.h>

#include <thread>

#include "core/lane.h"

namespace cuda_shutdown {

Supervisor& Supervisor::instance() {
  static auto* const supervisor = new Supervisor;
  return *supervisor;
}

Supervisor::Supervisor() {
  std::thread([this] { run(); }).detach();
}

void Supervisor::watch(const std::shared_ptr<Lane>& lane) {
  const std::lock_guard lock(mutex_);
  std::erase_if(lanes_, [](const auto& watched) { return watched.expired(); });
  lanes_.push_back(lane);
  // A look that is under way may miss one that has moved up in the list.
  next_look_ = Clock::time_point::min();
  condition_.notify_one();
}

void Supervisor::look_by(Clock::time_point time) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (next_look_ <= time) return;
    next_look_ = time;
  }
  condition_.notify_one();
}

void Supervisor::run() {
  pthread_setname_np(pthread_self(), "cuda-supervisor");
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      while (Clock::now() < next_look_) {
        if (next_look_ == Clock::time_point::max()) {
          condition_.wait(lock);
        } else {
          // A copy: the wait reads its argument again without the lock.
          const auto next = next_look_;
          condition_.wait_until(lock, next);
        }
      }
      // Before the lanes are looked at: what is asked for meanwhile may have come too late for
      // that.
      next_look_ = Clock::time_point::max();
    }
    for (std::size_t i = 0; const auto lane = lane_at(i); ++i) {
      look_by(lane->inspect(Clock::now()));
    }
  }
}

std::shared_ptr<Lane> Supervisor::lane_at(std::size_t& index) {
  const std::lock_guard lock(mutex_);
  for (; index < lanes_.size(); ++index) {
    if (auto lane = lanes_[index].lock()) return lane;
  }
  return nullptr;
}

}  // namespace cuda_shutdown

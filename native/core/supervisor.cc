#include "core/supervisor.h"

#include <pthread.h>

#include <algorithm>
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
}

void Supervisor::wake() noexcept {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  condition_.notify_one();
}

void Supervisor::run() {
  pthread_setname_np(pthread_self(), "cuda-supervisor");
  for (auto next = Clock::time_point::max();;) {
    std::vector<std::weak_ptr<Lane>> lanes;
    {
      std::unique_lock lock(mutex_);
      const auto is_woken = [this] { return woken_; };
      if (next == Clock::time_point::max()) {
        condition_.wait(lock, is_woken);
      } else {
        condition_.wait_until(lock, next, is_woken);
      }
      woken_ = false;
      lanes = lanes_;
    }
    next = Clock::time_point::max();
    for (const auto& watched : lanes) {
      if (const auto lane = watched.lock()) next = std::min(next, lane->inspect(Clock::now()));
    }
  }
}

}  // namespace cuda_shutdown

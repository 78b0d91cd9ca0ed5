// How often each function was called. State: one object per world.
//
// Threads: any. A call is counted when it enters, before its faults act. Waiters are announced in
// waiters_ before they read the counts (both sequentially consistent), so that a call that sees no
// waiter has been counted before any later waiter looks.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "functions.h"

namespace cuda_simulator {

class CallCounts {
 public:
  void count(Function function) {
    ++counts_[static_cast<std::size_t>(function)];
    if (waiters_.load() == 0) return;
    const std::lock_guard lock(mutex_);
    counted_.notify_all();
  }

  std::uint64_t of(Function function) const {
    return counts_[static_cast<std::size_t>(function)].load();
  }

  // Whether the function had been called n times before the timeout.
  bool wait_for(Function function, std::uint64_t n, std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    ++waiters_;
    const bool reached = counted_.wait_for(lock, timeout, [&] { return of(function) >= n; });
    --waiters_;
    return reached;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kFunctionCount> counts_{};
  std::atomic<int> waiters_{0};
  std::mutex mutex_;
  std::condition_variable counted_;
};

}  // namespace cuda_simulator

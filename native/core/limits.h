// When a piece of work has to end: a stop token and a deadline, asked between two CUDA calls.
#pragma once

#include <time.h>

#include <atomic>
#include <chrono>
#include <stop_token>
#include <utility>

namespace cuda_shutdown {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;
inline constexpr Deadline no_deadline = Deadline::max();

// The same clock as it stood at the system's last tick: up to 10 ms behind, never ahead, and read
// for a fifth of the price, for who reads it between any two fast calls.
[[nodiscard]] inline Clock::time_point coarse_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Clock::time_point(std::chrono::seconds(now.tv_sec) +
                           std::chrono::nanoseconds(now.tv_nsec));
}

// How long work that had to end may take to give back what it took, before its thread no longer
// asks its limits, and so counts as stuck.
inline constexpr std::chrono::milliseconds give_back_time{2000};

// The deadline `limit` from now; `no_deadline` where that would overflow.
[[nodiscard]] inline Deadline deadline_in(std::chrono::milliseconds limit) noexcept {
  const auto now = Clock::now();
  return limit >= std::chrono::duration_cast<std::chrono::milliseconds>(no_deadline - now)
             ? no_deadline
             : now + limit;
}

// Thread-safe. Copies share the token and the heartbeat.
class Limits {
 public:
  Limits() = default;
  Limits(std::stop_token stop, Deadline deadline, std::atomic<Clock::rep>* heartbeat = nullptr)
      : stop_(std::move(stop)), deadline_(deadline), heartbeat_(heartbeat) {}

  // True once the work must end. Asking is also the heartbeat by which a lane tells work that goes
  // on from a thread that sits inside one CUDA call: ask at least once between any two calls.
  [[nodiscard]] bool over() const noexcept { return over(Clock::now()); }
  // For who has just read the clock, or its coarse form: a reading is a good part of what a fast
  // CUDA call costs.
  [[nodiscard]] bool over(Clock::time_point now) const noexcept {
    if (heartbeat_ != nullptr) {
      heartbeat_->store(now.time_since_epoch().count(), std::memory_order_relaxed);
    }
    return stop_.stop_requested() || now >= deadline_;
  }

  [[nodiscard]] Deadline deadline() const noexcept { return deadline_; }

  // For cleaning up after work that had to end: the same heartbeat, and only `time` to do it in.
  [[nodiscard]] Limits for_cleanup(std::chrono::milliseconds time) const noexcept {
    return {std::stop_token(), deadline_in(time), heartbeat_};
  }

 private:
  std::stop_token stop_;
  Deadline deadline_ = no_deadline;
  std::atomic<Clock::rep>* heartbeat_ = nullptr;
};

}  // namespace cuda_shutdown

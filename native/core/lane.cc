#include "core/lane.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "core/supervisor.h"

namespace cuda_shutdown {

std::shared_ptr<Lane> Lane::create(std::string name) {
  std::shared_ptr<Lane> lane(new Lane(std::move(name)));
  Supervisor::instance().watch(lane);
  return lane;
}

void Lane::submit(const std::shared_ptr<Job>& job) {
  auto look = job->deadline();
  std::exception_ptr failure;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(job);
    try {
      if (!current_) start_worker();
      look = std::min(look, overtaking_at());
    } catch (...) {
      failure = std::current_exception();
      queue_.pop_back();
    }
  }
  if (failure) {
    job->settle_unrun({Outcome::failed, failure});
    return;
  }
  wake_.notify_all();
  Supervisor::instance().look_by(look);
}

void Lane::submit_at(Clock::time_point when, const std::shared_ptr<Job>& job) {
  {
    const std::lock_guard lock(mutex_);
    later_.push_back({when, job});
  }
  Supervisor::instance().look_by(when);
}

void Lane::cancel(const std::shared_ptr<Job>& job) noexcept {
  job->cancel();
  Supervisor::instance().look_by(Clock::time_point::min());
}

void Lane::end() {
  {
    const std::lock_guard lock(mutex_);
    // As one that was left behind: what it runs is still watched.
    if (current_) replaced_.push_back(std::move(current_));
    current_ = nullptr;
  }
  wake_.notify_all();
}

std::size_t Lane::left_behind() const {
  const std::lock_guard lock(mutex_);
  return replaced_.size();
}

std::size_t Lane::replacements() const {
  const std::lock_guard lock(mutex_);
  return replacements_;
}

void Lane::start_worker() {
  auto worker = std::make_shared<Worker>();
  try {
    // Detached: a thread that may never return from the driver must never be joined.
    std::thread([lane = shared_from_this(), worker] { lane->serve(worker); }).detach();
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(), "Expected a thread for " + name_ + " to start");
  }
  current_ = std::move(worker);
}

bool Lane::try_to_start_worker() noexcept {
  try {
    start_worker();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void Lane::serve(const std::shared_ptr<Worker>& self) {
  pthread_setname_np(pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  while (current_ == self) {
    if (queue_.empty()) {
      wake_.wait(lock);
      continue;
    }
    std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    job->begin();
    self->running = job;
    self->over_since = Clock::time_point::max();
    const auto look = overtaking_at();
    lock.unlock();
    Supervisor::instance().look_by(look);
    job->run();
    job.reset();
    lock.lock();
    self->running.reset();
  }
  std::erase(replaced_, self);
}

Clock::time_point Lane::inspect(Clock::time_point now) {
  std::vector<std::shared_ptr<Job>> interrupted;
  std::vector<std::shared_ptr<Job>> stuck;
  auto next = Clock::time_point::max();
  {
    const std::lock_guard lock(mutex_);
    next = enqueue_what_is_due(now);
    next = std::min(next, inspect_queue(now, interrupted));
    for (const auto& worker : replaced_) {
      next = std::min(next, inspect_worker(*worker, now, stuck));
    }
    if (current_) next = std::min(next, inspect_current(now, stuck));
    if (!current_ && !queue_.empty() && !try_to_start_worker()) {
      next = std::min(next, now + thread_retry);
    }
  }
  for (const auto& job : interrupted) job->settle_unrun({Outcome::interrupted, nullptr});
  for (const auto& job : stuck) job->settle({Outcome::stuck, nullptr});
  return next;
}

Clock::time_point Lane::overtaking_at() const {
  if (!current_ || !current_->running || replaced_.size() >= max_overtaken) {
    return Clock::time_point::max();
  }
  const Job& running = *current_->running;
  const bool awaited = std::any_of(queue_.begin(), queue_.end(),
                                   [&](const auto& job) { return job->may_overtake(running); });
  return awaited ? running.heartbeat() + stall_limit : Clock::time_point::max();
}

Clock::time_point Lane::enqueue_what_is_due(Clock::time_point now) {
  auto next = Clock::time_point::max();
  std::erase_if(later_, [&](const Later& later) {
    if (now < later.when && !later.job->over(now)) {
      next = std::min({next, later.when, later.job->deadline()});
      return false;
    }
    queue_.push_back(later.job);
    wake_.notify_all();
    return true;
  });
  return next;
}

Clock::time_point Lane::inspect_queue(Clock::time_point now,
                                      std::vector<std::shared_ptr<Job>>& over) {
  auto next = Clock::time_point::max();
  std::erase_if(queue_, [&](const std::shared_ptr<Job>& job) {
    if (job->over(now)) {
      over.push_back(job);
      return true;
    }
    next = std::min(next, job->deadline());
    return false;
  });
  return next;
}

Clock::time_point Lane::inspect_current(Clock::time_point now,
                                        std::vector<std::shared_ptr<Job>>& stuck) {
  auto next = inspect_worker(*current_, now, stuck);
  const bool quarantined = current_->quarantined;
  if (const auto stalled_at = overtaking_at(); !quarantined && now < stalled_at) {
    return std::min(next, stalled_at);
  }
  auto left = current_;
  if (quarantined) {
    current_ = nullptr;
  } else if (!try_to_start_worker()) {
    return std::min(next, now + thread_retry);
  }
  replaced_.push_back(std::move(left));
  ++replacements_;
  return next;
}

Clock::time_point Lane::inspect_worker(Worker& worker, Clock::time_point now,
                                       std::vector<std::shared_ptr<Job>>& stuck) const {
  if (!worker.running || worker.quarantined) return Clock::time_point::max();
  if (!worker.running->over(now)) return worker.running->deadline();
  if (worker.over_since == Clock::time_point::max()) worker.over_since = now;
  // A job that still asks its limits is not stuck but cleaning up.
  const auto stuck_at = std::max(worker.over_since, worker.running->heartbeat()) + stop_grace;
  if (now < stuck_at) return stuck_at;
  worker.quarantined = true;
  stuck.push_back(worker.running);
  return Clock::time_point::max();
}

}  // namespace cuda_shutdown

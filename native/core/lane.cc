#include "core/lane.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <new>
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
  // For the one that it replaces, and for itself: to leave one behind must not need memory.
  replaced_.reserve(replaced_.size() + 2);
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

Clock::time_point Lane::inspect(Clock::time_point now) noexcept {
  for (;;) {
    Over over;
    {
      const std::lock_guard lock(mutex_);
      const auto due = enqueue_what_is_due(now);
      over = take_one_over(now);
      if (!over.job) return std::min(due, look_after_threads(now));
    }
    if (over.outcome == Outcome::stuck) {
      over.job->settle({Outcome::stuck, nullptr});
    } else {
      over.job->settle_unrun({over.outcome, nullptr});
    }
  }
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
    try {
      queue_.push_back(later.job);
    } catch (const std::bad_alloc&) {
      next = std::min(next, now + thread_retry);
      return false;
    }
    wake_.notify_all();
    return true;
  });
  return next;
}

Lane::Over Lane::take_one_over(Clock::time_point now) {
  const auto over =
      std::find_if(queue_.begin(), queue_.end(), [&](const auto& job) { return job->over(now); });
  if (over != queue_.end()) {
    Over taken{std::move(*over), Outcome::interrupted};
    queue_.erase(over);
    return taken;
  }
  for (const auto& worker : replaced_) {
    if (is_stuck(*worker, now)) return quarantine(*worker);
  }
  if (!current_ || !is_stuck(*current_, now)) return {};
  replace_current();
  return quarantine(*replaced_.back());
}

Lane::Over Lane::quarantine(Worker& worker) {
  worker.quarantined = true;
  return {worker.running, Outcome::stuck};
}

void Lane::replace_current() noexcept {
  replaced_.push_back(std::move(current_));
  current_ = nullptr;
  ++replacements_;
}

bool Lane::is_stuck(Worker& worker, Clock::time_point now) {
  if (!worker.running || worker.quarantined || !worker.running->over(now)) return false;
  if (worker.over_since == Clock::time_point::max()) worker.over_since = now;
  return now >= stuck_at(worker);
}

// A job that still asks its limits is not stuck but cleaning up.
Clock::time_point Lane::stuck_at(const Worker& worker) {
  return std::max(worker.over_since, worker.running->heartbeat()) + stop_grace;
}

Clock::time_point Lane::next_look(const Worker& worker) {
  if (!worker.running || worker.quarantined) return Clock::time_point::max();
  const bool over = worker.over_since != Clock::time_point::max();
  return over ? stuck_at(worker) : worker.running->deadline();
}

Clock::time_point Lane::look_after_threads(Clock::time_point now) {
  auto next = Clock::time_point::max();
  for (const auto& job : queue_) next = std::min(next, job->deadline());
  for (const auto& worker : replaced_) next = std::min(next, next_look(*worker));
  if (current_) next = std::min({next, next_look(*current_), overtake_current(now)});
  if (!current_ && !queue_.empty() && !try_to_start_worker()) {
    next = std::min(next, now + thread_retry);
  }
  return next;
}

Clock::time_point Lane::overtake_current(Clock::time_point now) {
  if (const auto stalled_at = overtaking_at(); now < stalled_at) return stalled_at;
  auto left = current_;
  if (!try_to_start_worker()) return now + thread_retry;
  std::swap(left, current_);
  replace_current();
  current_ = std::move(left);
  return Clock::time_point::max();
}

}  // namespace cuda_shutdown

#include "stream.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "inside.h"

namespace cuda_simulator {

bool Marker::complete() const { return !stream || stream->complete(sequence); }
bool Marker::wait() const { return !stream || stream->wait(sequence); }
void Marker::observe() const {
  if (stream) stream->observe(sequence);
}

bool& in_host_function() {
  static thread_local bool inside = false;
  return inside;
}

std::uint64_t Stream::next_id() {
  static std::atomic<std::uint64_t> last{0};  // process lifetime
  return ++last;
}

std::uint64_t Stream::enqueue(Work work) {
  std::unique_lock lock(mutex_);
  const std::uint64_t sequence = enqueued_.load() + 1;
  for (const Marker& marker : work.after) {
    if (marker.stream && !marker.stream->observed(marker.sequence)) {
      joins_.push_back({sequence, marker});
    }
  }
  const bool idle = completed_.load() + 1 == sequence;
  if (work.instant && idle &&
      std::all_of(work.after.begin(), work.after.end(),
                  [](const Marker& m) { return m.complete(); })) {
    enqueued_ = sequence;
    run(work, sequence);
    completed_ = sequence;
    lock.unlock();
    progressed_.notify_all();
    return sequence;
  }
  if (!started_) start();
  queue_.push_back(std::move(work));
  enqueued_ = sequence;
  lock.unlock();
  has_work_.notify_one();
  return sequence;
}

// The process's signals are for its own threads: a library's thread blocks what others may handle.
void Stream::start() {
  sigset_t asynchronous;
  sigset_t before;
  sigfillset(&asynchronous);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) {
    sigdelset(&asynchronous, fault);
  }
  pthread_sigmask(SIG_SETMASK, &asynchronous, &before);
  try {
    std::thread([self = shared_from_this()] { self->drain(); }).detach();
    started_ = true;
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Stream::drain() {
  const Inside inside;
  std::unique_lock lock(mutex_);
  for (;;) {
    has_work_.wait(lock, [&] { return !queue_.empty() || closing_; });
    if (queue_.empty()) {
      started_ = false;  // a caller that raced with close() starts another
      return;
    }
    Work work = std::move(queue_.front());
    queue_.pop_front();
    const std::uint64_t sequence = completed_.load() + 1;
    lock.unlock();
    for (const Marker& marker : work.after) marker.wait();
    run(work, sequence);
    work = {};
    lock.lock();
    completed_ = sequence;
    progressed_.notify_all();
  }
}

void Stream::run(const Work& work, std::uint64_t sequence) {
  if (work.run && (work.always || !lost())) work.run(sequence);
}

bool Stream::wait(std::uint64_t sequence) {
  if (complete(sequence)) return !lost();
  std::unique_lock lock(mutex_);
  progressed_.wait(lock, [&] { return complete(sequence) || lost(); });
  return !lost();
}

void Stream::observe(std::uint64_t sequence) {
  if (observed(sequence)) return;
  std::vector<Marker> joined;
  {
    const std::lock_guard lock(mutex_);
    if (observed(sequence)) return;
    observed_ = sequence;
    const auto seen = std::partition(joins_.begin(), joins_.end(),
                                     [&](const Join& join) { return join.sequence > sequence; });
    for (auto join = seen; join != joins_.end(); ++join) joined.push_back(std::move(join->marker));
    joins_.erase(seen, joins_.end());
  }
  for (const Marker& marker : joined) marker.observe();
}

void Stream::joined(std::uint64_t sequence, std::vector<Marker>& into) {
  const std::lock_guard lock(mutex_);
  for (const Join& join : joins_) {
    if (join.sequence <= sequence) into.push_back(join.marker);
  }
}

void Stream::close() {
  const std::lock_guard lock(mutex_);
  closing_ = true;
  has_work_.notify_one();
}

void Stream::wake() {
  const std::lock_guard lock(mutex_);
  progressed_.notify_all();
}

}  // namespace cuda_simulator

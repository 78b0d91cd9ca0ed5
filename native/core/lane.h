// The thread of one device, its queue, and the threads that it had to leave behind.
//
// A CUDA call cannot be cancelled, so the thread that is inside one cannot be taken back. A lane
// therefore replaces its thread in two cases:
//   - quarantine: a job was told to stop, and for `stop_grace` its thread has neither ended it nor
//     come out of the call it is in. The job settles as stuck.
//   - overtaking: a job has sat inside one call for `stall_limit` while others wait behind it that
//   do
//     not belong to its convoy (job.h). It goes on where it is, the others on a new thread.
// A thread that was replaced ends by itself when its call returns; nobody ever joins it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/job.h"

namespace cuda_shutdown {

// Object lifetime, but in practice the process's: devices are never destroyed. Thread-safe.
// Lock order: the lane's mutex is never held while a job settles or runs.
class Lane : public std::enable_shared_from_this<Lane> {
 public:
  static constexpr std::chrono::milliseconds stop_grace{15};
  static constexpr std::chrono::milliseconds stall_limit{100};
  // Threads left behind above this number are not replaced by overtaking, only by quarantine.
  static constexpr std::size_t max_overtaken = 64;

  // `name` is what the system shows for its threads, at most 15 characters.
  static std::shared_ptr<Lane> create(std::string name);
  Lane(const Lane&) = delete;  // Its threads hold it.
  Lane& operator=(const Lane&) = delete;

  void submit(const std::shared_ptr<Job>& job);
  void cancel(const std::shared_ptr<Job>& job) noexcept;

  // Jobs inside a call on a thread that has been replaced.
  [[nodiscard]] std::size_t left_behind() const;
  // Counts every replacement of the thread since the lane began.
  [[nodiscard]] std::size_t replacements() const;

  // For the supervisor: settles what is out of time, replaces threads, and answers when to be asked
  // again.
  Clock::time_point inspect(Clock::time_point now);

 private:
  struct Worker {
    std::shared_ptr<Job> running;
    // When the supervisor first saw that the running job's time is over.
    Clock::time_point over_since = Clock::time_point::max();
    bool quarantined = false;
  };

  explicit Lane(std::string name) : name_(std::move(name)) {}
  void start_worker();  // With mutex_ held.
  void serve(const std::shared_ptr<Worker>& self);
  void replace_current();  // With mutex_ held.
  // When the current job may be overtaken; never while only its convoy waits. With mutex_ held.
  [[nodiscard]] Clock::time_point overtaking_at() const;
  Clock::time_point inspect_queue(Clock::time_point now, std::vector<std::shared_ptr<Job>>& over);
  Clock::time_point inspect_worker(Worker& worker, Clock::time_point now,
                                   std::vector<std::shared_ptr<Job>>& stuck) const;

  const std::string name_;
  mutable std::mutex mutex_;  // Guards everything below.
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::shared_ptr<Worker> current_;
  std::vector<std::shared_ptr<Worker>> replaced_;  // Those still inside a call.
  std::size_t replacements_ = 0;
};

}  // namespace cuda_shutdown

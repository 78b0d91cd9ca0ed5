// The thread of one device, its queue, and the threads that it had to leave behind.
//
// A CUDA call cannot be cancelled, so the thread that is inside one cannot be taken back. A lane
// therefore replaces its thread in two cases:
//   - quarantine: a job was told to stop, and for `stop_grace` its thread has neither ended it nor
//     come out of the call it is in. The job settles as stuck.
//   - overtaking: a job has sat inside one call for `stall_limit` while others wait behind it that
//     do not belong to its convoy (job.h). It goes on where it is, the others on a new thread.
// A thread that was replaced ends by itself when its call returns; nobody ever joins it.
//
// Where the system refuses a thread, what is submitted fails at once; what was in the queue
// already, behind a thread that had to be left, waits until the supervisor gets one.
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
  // Between two tries to start a thread that the system has refused.
  static constexpr std::chrono::milliseconds thread_retry{50};
  // Threads left behind above this number are not replaced by overtaking, only by quarantine.
  static constexpr std::size_t max_overtaken = 64;

  // `name` is what the system shows for its threads, at most 15 characters.
  static std::shared_ptr<Lane> create(std::string name);
  Lane(const Lane&) = delete;  // Its threads hold it.
  Lane& operator=(const Lane&) = delete;

  // Settles the job as failed on this thread, with a std::system_error, where it needs a new thread
  // and none can be started.
  void submit(const std::shared_ptr<Job>& job);
  // The same once `when` has come, which the supervisor waits for; it also tries again to get a
  // thread.
  void submit_at(Clock::time_point when, const std::shared_ptr<Job>& job);
  void cancel(const std::shared_ptr<Job>& job) noexcept;
  // Its thread ends behind what it does now. Nothing may be waiting, nor be submitted any more.
  void end();

  // Jobs inside a call on a thread that has been replaced.
  [[nodiscard]] std::size_t left_behind() const;
  // Counts every replacement of the thread since the lane began.
  [[nodiscard]] std::size_t replacements() const;

  // For the supervisor: settles what is out of time, replaces threads, and answers when to be asked
  // again. Where memory is short, it needs none but for a new thread, and tries again to get that.
  Clock::time_point inspect(Clock::time_point now) noexcept;

 private:
  struct Worker {
    std::shared_ptr<Job> running;
    // When the supervisor first saw that the running job's time is over.
    Clock::time_point over_since = Clock::time_point::max();
    bool quarantined = false;
  };

  struct Later {
    Clock::time_point when;
    std::shared_ptr<Job> job;
  };

  struct Over {
    std::shared_ptr<Job> job;
    Outcome outcome = Outcome::interrupted;
  };

  explicit Lane(std::string name) : name_(std::move(name)) {}
  void serve(const std::shared_ptr<Worker>& self);
  // All of these with mutex_ held.
  void start_worker();  // Throws std::system_error, and then changes nothing.
  [[nodiscard]] bool try_to_start_worker() noexcept;
  // When the current job may be overtaken; never while only its convoy waits.
  [[nodiscard]] Clock::time_point overtaking_at() const;
  // Something that has to settle now, and as what; it has left its place in the lane. Else nothing.
  [[nodiscard]] Over take_one_over(Clock::time_point now);
  [[nodiscard]] static Over quarantine(Worker& worker);
  // The current thread is left behind. There is room for it since it was started.
  void replace_current() noexcept;
  // These answer when to look again.
  Clock::time_point enqueue_what_is_due(Clock::time_point now);
  Clock::time_point look_after_threads(Clock::time_point now);
  Clock::time_point overtake_current(Clock::time_point now);
  [[nodiscard]] static bool is_stuck(Worker& worker, Clock::time_point now);
  [[nodiscard]] static Clock::time_point stuck_at(const Worker& worker);
  [[nodiscard]] static Clock::time_point next_look(const Worker& worker);

  const std::string name_;
  mutable std::mutex mutex_;  // Guards everything below.
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;
  std::vector<Later> later_;
  std::shared_ptr<Worker> current_;
  std::vector<std::shared_ptr<Worker>> replaced_;  // Those still inside a call.
  std::size_t replacements_ = 0;
};

}  // namespace cuda_shutdown

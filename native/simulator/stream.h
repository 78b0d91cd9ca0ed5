// A stream: a thread with an ordered queue of work. State: shared by its handle, its thread and the
// events recorded in it; never reused.
//
// Work is numbered from 1 in the order of enqueueing; the stream is a pair of numbers, the last
// enqueued and the last completed. An event is a Marker: such a number of such a stream.
//
// Threads: any may enqueue, wait and ask; the stream's own, started at the first work that takes
// time, runs it. `mutex_` guards queue_, joins_, started_ and closing_, and the writes of the
// counters, which anyone may read. Lock order: Stream::mutex_ before MemoryPool's. No thread holds
// the mutexes of two streams.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace cuda_simulator {

class Stream;

// A point in a stream's work.
struct Marker {
  std::shared_ptr<Stream> stream;  // empty: no work, complete
  std::uint64_t sequence = 0;

  bool complete() const;
  // Blocks until the point is reached. False when the device was lost first.
  bool wait() const;
  // The host has seen the point complete.
  void observe() const;
};

struct Work {
  std::function<void(std::uint64_t sequence)> run;  // empty: only a point to wait for
  std::vector<Marker> after = {};                   // in other streams
  // Takes no time on the device: an idle stream reaches it at once, in the caller's thread.
  bool instant = false;
  // Runs though the device was lost, as cudaStreamAddCallback's callbacks do.
  bool always = false;
};

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  enum class Kind { kBlocking, kNonBlocking, kLegacy };

  // `sticky_error` is the device's; while it is not 0, work is discarded and waits end.
  Stream(int device, Kind kind, const std::atomic<int>& sticky_error, int priority = 0)
      : device_(device), kind_(kind), sticky_error_(sticky_error), priority_(priority) {}

  int device() const { return device_; }
  Kind kind() const { return kind_; }
  int priority() const { return priority_; }
  std::uint64_t id() const { return id_; }  // unique in the process

  // The work's number.
  std::uint64_t enqueue(Work work);
  // Everything enqueued so far.
  Marker mark() { return {shared_from_this(), enqueued_.load()}; }
  bool idle() const { return complete(enqueued_.load()); }
  // Whether the host has seen all of it complete.
  bool seen() const { return observed(enqueued_.load()); }

  bool complete(std::uint64_t sequence) const { return completed_.load() >= sequence; }
  bool observed(std::uint64_t sequence) const { return observed_.load() >= sequence; }
  bool wait(std::uint64_t sequence);
  void observe(std::uint64_t sequence);
  // Adds the points in other streams that the work up to `sequence` waits for, and that the host
  // has not seen complete.
  void joined(std::uint64_t sequence, std::vector<Marker>& into);

  // The thread ends when the queue is empty.
  void close();
  // Lets waiters look at the device's error.
  void wake();

 private:
  struct Join {
    std::uint64_t sequence;  // of this stream
    Marker marker;           // that it waited for
  };

  static std::uint64_t next_id();
  bool lost() const { return sticky_error_.load() != 0; }
  void start();
  void drain();  // the thread's body
  void run(const Work& work, std::uint64_t sequence);

  const int device_;
  const Kind kind_;
  const std::atomic<int>& sticky_error_;
  const int priority_;
  const std::uint64_t id_ = next_id();

  std::mutex mutex_;
  std::condition_variable has_work_;
  std::condition_variable progressed_;
  std::deque<Work> queue_;
  std::vector<Join> joins_;  // not yet observed
  bool started_ = false;
  bool closing_ = false;
  std::atomic<std::uint64_t> enqueued_{0};
  std::atomic<std::uint64_t> completed_{0};
  std::atomic<std::uint64_t> observed_{0};
};

// Of what cudaStreamCreateWithPriority accepts; anything else is clamped to it.
inline constexpr int kLeastStreamPriority = 0;
inline constexpr int kGreatestStreamPriority = -5;

// Whether the calling thread is inside a function of cudaLaunchHostFunc or a callback. Thread
// lifetime.
bool& in_host_function();

}  // namespace cuda_simulator

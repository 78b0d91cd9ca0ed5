// The streams of one device's context, and the order that its legacy default stream makes between
// them: work in the legacy stream waits for all earlier work of the blocking streams, and their
// later work waits for it. State: one object per device.
//
// Threads: any. `mutex_` guards all_, legacy_, per_thread_ and barriers_. Lock order:
// StreamSet::mutex_ before Stream::mutex_; nothing waits while holding it.
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "stream.h"

namespace cuda_simulator {

// How far a stream's future work is ordered behind other streams: by stream, the last such point.
using Reach = std::unordered_map<const Stream*, Marker>;

class StreamSet {
 public:
  StreamSet(int device, const std::atomic<int>& sticky_error)
      : device_(device), sticky_error_(sticky_error) {}

  std::shared_ptr<Stream> create(Stream::Kind kind, int priority = 0);
  // The legacy default stream, made at its first use.
  std::shared_ptr<Stream> legacy();
  // The per-thread default stream of the thread with that number, made at its first use. It is a
  // blocking stream.
  std::shared_ptr<Stream> per_thread(std::uint64_t thread);
  // The thread has ended.
  void close_thread(std::uint64_t thread);
  // A closed stream stays in the set until its work is done and the host has seen it done.
  void close(Stream& stream);
  void close_all();

  std::uint64_t enqueue(Stream& stream, Work work);
  // All streams' later work waits for the point, also that of streams made later.
  void join_all(const Marker& marker);
  // By events, waits and the legacy stream.
  Reach reach(Stream& stream);
  // The point that an event recorded in the stream stands for.
  Marker record(Stream& stream);
  // What a wait for the stream waits for: asking adds no work.
  std::vector<Marker> outstanding(Stream& stream);
  std::vector<Marker> outstanding();

  // Lets every waiter look at the device's error.
  void wake_all();

 private:
  std::vector<Marker> dependencies(const Stream& stream, bool idle_too = false);
  // Both with mutex_ held.
  std::shared_ptr<Stream> add(Stream::Kind kind, int priority = 0);
  void forget_finished();

  const int device_;
  const std::atomic<int>& sticky_error_;
  std::mutex mutex_;
  struct Entry {
    std::shared_ptr<Stream> stream;
    bool closed = false;
  };
  std::vector<Entry> all_;  // the legacy stream too
  std::shared_ptr<Stream> legacy_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Stream>> per_thread_;
  std::vector<Marker> barriers_;  // for new streams, of join_all
};

}  // namespace cuda_simulator

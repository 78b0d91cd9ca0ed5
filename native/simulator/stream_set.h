// The streams of one device's context, and the order that its legacy default stream makes between
// them: work in the legacy stream waits for all earlier work of the blocking streams, and their
// later work waits for it. State: one object per device.
//
// Threads: any. `mutex_` guards all_ and legacy_. Lock order: StreamSet::mutex_ before
// Stream::mutex_; nothing waits while holding it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "stream.h"

namespace cuda_simulator {

class StreamSet {
 public:
  StreamSet(int device, const std::atomic<int>& sticky_error)
      : device_(device), sticky_error_(sticky_error) {}

  std::shared_ptr<Stream> create(Stream::Kind kind);
  // The legacy default stream, made at its first use.
  std::shared_ptr<Stream> legacy();
  // A closed stream stays in the set until its work is done and the host has seen it done.
  void close(Stream& stream);
  void close_all();

  void enqueue(Stream& stream, Work work);
  // The point that an event recorded in the stream stands for.
  Marker record(Stream& stream);
  // What a wait for the stream waits for: asking adds no work.
  std::vector<Marker> outstanding(Stream& stream);
  std::vector<Marker> outstanding();

  // Lets every waiter look at the device's error.
  void wake_all();

 private:
  std::vector<Marker> dependencies(const Stream& stream);
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
};

}  // namespace cuda_simulator

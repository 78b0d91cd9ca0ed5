// An event: the point of a stream that it captured last. State: shared by its handle and its users.
// Threads: any; `mutex_` guards what was captured and is innermost.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <utility>

#include "stream.h"

namespace cuda_simulator {

class Event {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Event(int device, bool timed) : device_(device), timed_(timed) {}

  int device() const { return device_; }
  // Made without cudaEventDisableTiming.
  bool timed() const { return timed_; }

  // `reached`: when the stream came to the point; written before the point is complete.
  void capture(Marker marker, std::shared_ptr<const Time> reached = nullptr) {
    const std::lock_guard lock(mutex_);
    captured_ = std::move(marker);
    reached_ = std::move(reached);
    recorded_ = true;
  }
  struct Record {
    bool made = false;
    Marker point;
    std::shared_ptr<const Time> reached;
  };
  Record record() const {
    const std::lock_guard lock(mutex_);
    return {recorded_, captured_, reached_};
  }
  // Before the first record: no work, complete.
  Marker captured() const {
    const std::lock_guard lock(mutex_);
    return captured_;
  }

 private:
  const int device_;
  const bool timed_;
  mutable std::mutex mutex_;
  Marker captured_;
  std::shared_ptr<const Time> reached_;
  bool recorded_ = false;
};

}  // namespace cuda_simulator

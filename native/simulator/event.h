// An event: the point of a stream that it captured last. State: shared by its handle and its users.
// Threads: any; `mutex_` guards captured_ and is innermost.
#pragma once

#include <mutex>
#include <utility>

#include "stream.h"

namespace cuda_simulator {

class Event {
 public:
  explicit Event(int device) : device_(device) {}

  int device() const { return device_; }

  void capture(Marker marker) {
    const std::lock_guard lock(mutex_);
    captured_ = std::move(marker);
  }
  // Before the first record: no work, complete.
  Marker captured() const {
    const std::lock_guard lock(mutex_);
    return captured_;
  }

 private:
  const int device_;
  mutable std::mutex mutex_;
  Marker captured_;
};

}  // namespace cuda_simulator

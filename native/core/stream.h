// Owners of a CUDA stream and a CUDA event, and the wait that can be told to stop.
#pragma once

#include <cuda_runtime_api.h>

#include "core/context.h"
#include "core/limits.h"

namespace cuda_shutdown {

// A non-blocking stream of the device that is current. Object lifetime; must be destroyed on a
// thread that may call CUDA. On a lost context it is leaked: nothing may be called there.
class Stream {
 public:
  explicit Stream(Context& context);
  ~Stream();
  Stream(const Stream&) = delete;  // Owns the handle.
  Stream& operator=(const Stream&) = delete;
  [[nodiscard]] cudaStream_t get() const noexcept { return stream_; }

 private:
  Context& context_;
  cudaStream_t stream_ = nullptr;
};

// An event without timing. As Stream.
class Event {
 public:
  explicit Event(Context& context);
  ~Event();
  Event(const Event&) = delete;  // Owns the handle.
  Event& operator=(const Event&) = delete;

  void record(cudaStream_t stream);
  // Whether everything before the last record has been done; true if none was recorded.
  [[nodiscard]] bool complete();
  // Waits by asking again and again, because cudaEventSynchronize can neither be given a limit nor
  // be called back. False when the limits were over first.
  [[nodiscard]] bool wait(const Limits& limits);

 private:
  Context& context_;
  cudaEvent_t event_ = nullptr;
};

}  // namespace cuda_shutdown

// One device's CUDA context as the rest of the core sees it: whether it exists, whether it is lost,
// and the one place through which every CUDA call's answer goes.
#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <mutex>

#include "core/cuda_failure.h"

namespace cuda_shutdown {

// Object lifetime (a device's). Thread-safe.
class Context {
 public:
  explicit Context(int device) noexcept : device_(device), loss_{cudaSuccess, "", device} {}
  Context(const Context&) = delete;  // It remembers a loss.
  Context& operator=(const Context&) = delete;

  [[nodiscard]] int device() const noexcept { return device_; }

  // Whether anyone in the process has initialised the device's primary context. Never creates one.
  // Asks the driver (cuDevicePrimaryCtxGetState), because the runtime has no such question; where
  // that does not answer, what this object has begun itself is what is known.
  [[nodiscard]] bool initialised() const noexcept;

  // Makes the device current on this thread, and so creates its context if there is none.
  void make_current();
  // The context has been destroyed.
  void was_reset() noexcept { begun_.store(false); }

  // Passes a success on. Anything else is taken from the thread's last error, so that no other
  // library in the process finds it there, remembered if it is sticky, and thrown.
  // Throws CudaException.
  void check(cudaError_t code, const char* call) {
    if (code != cudaSuccess) fail(code, call);
  }

  // A sticky error has ended this context: no more CUDA calls, the process's end frees it.
  [[nodiscard]] bool lost() const noexcept { return lost_.load(); }
  // The first sticky error; success where there was none.
  [[nodiscard]] CudaFailure loss() const noexcept;

 private:
  [[noreturn]] void fail(cudaError_t code, const char* call);

  const int device_;
  std::atomic<bool> begun_{false};
  std::once_flag losing_;
  CudaFailure loss_;               // Written once, before lost_.
  std::atomic<bool> lost_{false};  // Who sees it may read loss_.
};

}  // namespace cuda_shutdown

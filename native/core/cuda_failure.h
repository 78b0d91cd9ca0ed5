// Failures of the CUDA runtime: as a value, and as the exception that carries it.
#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

namespace cuda_shutdown {

struct CudaFailure {
  cudaError_t code;
  const char* call;  // A string literal: the name of the runtime function.
  int device;        // -1 where the call concerns none.

  [[nodiscard]] bool sticky() const noexcept;
  [[nodiscard]] std::string message() const;
};

// True for the errors after which every further call on the device's context answers the same, so
// that only a new process helps. Source: the description of each code at `enum cudaError` in
// driver_types.h ("This leaves the process in an inconsistent state and any further CUDA work will
// return the same error. To continue using CUDA, the process must be terminated and relaunched.").
[[nodiscard]] bool is_sticky(cudaError_t code) noexcept;

class CudaException : public std::runtime_error {
 public:
  explicit CudaException(const CudaFailure& failure);
  [[nodiscard]] const CudaFailure& failure() const noexcept { return failure_; }

 private:
  CudaFailure failure_;
};

}  // namespace cuda_shutdown

#include "core/context.h"

namespace cuda_shutdown {

namespace {

// CUresult cuDevicePrimaryCtxGetState(CUdevice, unsigned int* flags, int* active), since CUDA 7.
// CUdevice is an int, CUresult an enum whose 0 is CUDA_SUCCESS.
using PrimaryContextState = int (*)(int, unsigned int*, int*);

PrimaryContextState primary_context_state() noexcept {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  constexpr unsigned int cuda_7 = 7000;
  if (cudaGetDriverEntryPointByVersion("cuDevicePrimaryCtxGetState", &entry, cuda_7,
                                       cudaEnableDefault, &found) != cudaSuccess) {
    cudaGetLastError();
    return nullptr;
  }
  if (found != cudaDriverEntryPointSuccess) return nullptr;
  return reinterpret_cast<PrimaryContextState>(entry);
}

}  // namespace

bool Context::initialised() const noexcept {
  static const PrimaryContextState state = primary_context_state();
  unsigned int flags = 0;
  int active = 0;
  if (state != nullptr && state(device_, &flags, &active) == 0) return active != 0;
  return begun_.load();
}

void Context::make_current() {
  check(cudaSetDevice(device_), "cudaSetDevice");
  begun_.store(true);
}

void Context::fail(cudaError_t code, const char* call) {
  cudaGetLastError();
  const CudaFailure failure{code, call, device_};
  if (failure.sticky()) {
    std::call_once(losing_, [&] {
      loss_ = failure;
      lost_.store(true);
    });
  }
  throw CudaException(failure);
}

CudaFailure Context::loss() const noexcept {
  return lost() ? loss_ : CudaFailure{cudaSuccess, "", device_};
}

}  // namespace cuda_shutdown

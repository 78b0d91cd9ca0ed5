#include "core/cuda_failure.h"

namespace cuda_shutdown {

bool is_sticky(cudaError_t code) noexcept {
  // By number where a toolkit's header may not have the name yet.
  switch (static_cast<int>(code)) {
    case 226:  // cudaErrorTensorMemoryLeak
    case 700:  // cudaErrorIllegalAddress
    case 702:  // cudaErrorLaunchTimeout
    case 710:  // cudaErrorAssert
    case 714:  // cudaErrorHardwareStackError
    case 715:  // cudaErrorIllegalInstruction
    case 716:  // cudaErrorMisalignedAddress
    case 717:  // cudaErrorInvalidAddressSpace
    case 718:  // cudaErrorInvalidPc
    case 719:  // cudaErrorLaunchFailure
    case 721:  // cudaErrorContained
    case 810:  // cudaErrorMpsClientTerminated
    case 911:  // cudaErrorExternalDevice
      return true;
    default:
      return false;
  }
}

bool CudaFailure::sticky() const noexcept { return is_sticky(code); }

std::string CudaFailure::message() const {
  std::string text = call;
  if (device >= 0) text += " on device " + std::to_string(device);
  text += " failed with ";
  text += cudaGetErrorName(code);
  text += " (" + std::to_string(static_cast<int>(code)) + "): ";
  text += cudaGetErrorString(code);
  return text;
}

CudaException::CudaException(const CudaFailure& failure)
    : std::runtime_error(failure.message()), failure_(failure) {}

}  // namespace cuda_shutdown

// The way to the driver's functions, and the two that the simulator has.
#include <string_view>

#include "api.h"

namespace cuda_simulator {
namespace {

// CUresult has the runtime's numbers for these errors.
int driver_init(unsigned int flags) {
  return call_without_context(Function::DriverInit, current_device(),
                              [&](World& world, ThreadState&) {
                                if (flags != 0) return cudaErrorInvalidValue;
                                return world.devices.empty() ? cudaErrorNoDevice : cudaSuccess;
                              });
}

int primary_context_state(int ordinal, unsigned int* flags, int* active) {
  return call_without_context(Function::DriverDevicePrimaryCtxGetState, device_number(ordinal),
                              [&](World& world, ThreadState&) {
                                Device* device = world.device(ordinal);
                                if (device == nullptr) return cudaErrorInvalidDevice;
                                if (flags == nullptr || active == nullptr) {
                                  return cudaErrorInvalidValue;
                                }
                                *flags = 0;
                                *active = device->active() ? 1 : 0;
                                return cudaSuccess;
                              });
}

void* driver_function(std::string_view symbol) {
  if (symbol == "cuInit") return reinterpret_cast<void*>(&driver_init);
  if (symbol == "cuDevicePrimaryCtxGetState") {
    return reinterpret_cast<void*>(&primary_context_state);
  }
  return nullptr;
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function,
                                             unsigned int version, unsigned long long flags,
                                             cudaDriverEntryPointQueryResult* status) {
  return call_without_context(
      Function::GetDriverEntryPointByVersion, current_device(), [&](World&, ThreadState&) {
        if (symbol == nullptr || function == nullptr || version > CUDART_VERSION ||
            flags > cudaEnablePerThreadDefaultStream) {
          return cudaErrorInvalidValue;
        }
        *function = driver_function(symbol);
        if (status != nullptr) {
          *status = *function != nullptr ? cudaDriverEntryPointSuccess
                                         : cudaDriverEntryPointSymbolNotFound;
        }
        return cudaSuccess;
      });
}

extern "C" {

// Deprecated by cudaGetDriverEntryPointByVersion; programs that were compiled earlier call it.
cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** function, unsigned long long flags,
                                    cudaDriverEntryPointQueryResult* status) {
  return cudaGetDriverEntryPointByVersion(symbol, function, CUDART_VERSION, flags, status);
}
cudaError_t cudaGetDriverEntryPoint_ptsz(const char* symbol, void** function,
                                         unsigned long long flags,
                                         cudaDriverEntryPointQueryResult* status) {
  return cudaGetDriverEntryPointByVersion(symbol, function, CUDART_VERSION, flags, status);
}

}  // extern "C"

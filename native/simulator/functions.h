// The runtime functions that the simulator answers, by number and by name. No state.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace cuda_simulator {

// Without the prefix: CUDA 12 makes a macro of cudaGetDeviceProperties.
#define CUDA_SIMULATOR_RUNTIME_FUNCTIONS(X) \
  X(GetDeviceCount)                         \
  X(GetDevice)                              \
  X(SetDevice)                              \
  X(GetDeviceProperties)                    \
  X(DeviceGetAttribute)                     \
  X(DeviceGetPCIBusId)                      \
  X(DeviceGetByPCIBusId)                    \
  X(InitDevice)                             \
  X(SetDeviceFlags)                         \
  X(GetDeviceFlags)                         \
  X(DeviceCanAccessPeer)                    \
  X(DeviceEnablePeerAccess)                 \
  X(DeviceDisablePeerAccess)                \
  X(DeviceGetP2PAttribute)                  \
  X(DeviceGetStreamPriorityRange)           \
  X(DeviceSynchronize)                      \
  X(DeviceReset)                            \
  X(DeviceGraphMemTrim)                     \
  X(DeviceGetGraphMemAttribute)             \
  X(DeviceSetGraphMemAttribute)             \
  X(DeviceGetDefaultMemPool)                \
  X(DeviceGetMemPool)                       \
  X(DeviceSetMemPool)                       \
  X(MemGetInfo)                             \
  X(RuntimeGetVersion)                      \
  X(DriverGetVersion)                       \
  X(GetLastError)                           \
  X(PeekAtLastError)                        \
  X(GetDriverEntryPointByVersion)           \
  X(StreamCreate)                           \
  X(StreamCreateWithFlags)                  \
  X(StreamCreateWithPriority)               \
  X(StreamDestroy)                          \
  X(StreamSynchronize)                      \
  X(StreamQuery)                            \
  X(StreamWaitEvent)                        \
  X(StreamGetId)                            \
  X(StreamGetFlags)                         \
  X(StreamGetPriority)                      \
  X(StreamGetDevice)                        \
  X(StreamIsCapturing)                      \
  X(ThreadExchangeStreamCaptureMode)        \
  X(StreamAddCallback)                      \
  X(StreamAttachMemAsync)                   \
  X(EventCreate)                            \
  X(EventCreateWithFlags)                   \
  X(EventRecord)                            \
  X(EventRecordWithFlags)                   \
  X(EventQuery)                             \
  X(EventSynchronize)                       \
  X(EventDestroy)                           \
  X(EventElapsedTime)                       \
  X(Malloc)                                 \
  X(Free)                                   \
  X(HostAlloc)                              \
  X(MallocHost)                             \
  X(FreeHost)                               \
  X(HostRegister)                           \
  X(HostUnregister)                         \
  X(HostGetDevicePointer)                   \
  X(HostGetFlags)                           \
  X(Memcpy)                                 \
  X(MemcpyAsync)                            \
  X(MemcpyPeer)                             \
  X(MemcpyPeerAsync)                        \
  X(Memset)                                 \
  X(MemsetAsync)                            \
  X(PointerGetAttributes)                   \
  X(MallocManaged)                          \
  X(MemAdvise)                              \
  X(MemPrefetchAsync)                       \
  X(MemRangeGetAttribute)                   \
  X(MemRangeGetAttributes)                  \
  X(MemPoolCreate)                          \
  X(MemPoolDestroy)                         \
  X(MemPoolSetAttribute)                    \
  X(MemPoolGetAttribute)                    \
  X(MemPoolTrimTo)                          \
  X(MemPoolSetAccess)                       \
  X(MemPoolGetAccess)                       \
  X(MemGetDefaultMemPool)                   \
  X(MemGetMemPool)                          \
  X(MemSetMemPool)                          \
  X(MallocFromPoolAsync)                    \
  X(MallocAsync)                            \
  X(FreeAsync)                              \
  X(LaunchHostFunc)

enum class Function : std::size_t {
#define CUDA_SIMULATOR_ENUMERATOR(name) name,
  CUDA_SIMULATOR_RUNTIME_FUNCTIONS(CUDA_SIMULATOR_ENUMERATOR)
#undef CUDA_SIMULATOR_ENUMERATOR
  // The driver's, reached through cudaGetDriverEntryPointByVersion.
  DriverInit,
  DriverDevicePrimaryCtxGetState,
};

inline constexpr std::array kFunctionNames = {
#define CUDA_SIMULATOR_NAME(name) std::string_view("cuda" #name),
    CUDA_SIMULATOR_RUNTIME_FUNCTIONS(CUDA_SIMULATOR_NAME)
#undef CUDA_SIMULATOR_NAME
        std::string_view("cuInit"),
    std::string_view("cuDevicePrimaryCtxGetState"),
};
inline constexpr std::size_t kFunctionCount = kFunctionNames.size();

constexpr std::string_view name_of(Function function) {
  return kFunctionNames[static_cast<std::size_t>(function)];
}

constexpr std::optional<Function> function_named(std::string_view name) {
  for (std::size_t i = 0; i < kFunctionCount; ++i) {
    if (kFunctionNames[i] == name) return static_cast<Function>(i);
  }
  return std::nullopt;
}

}  // namespace cuda_simulator

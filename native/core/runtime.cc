#include "core/runtime.h"

#include <array>
#include <cstdio>

namespace cuda_shutdown {

namespace {

std::string uuid_text(const cudaUUID_t& uuid) {
  std::string text = "GPU-";
  for (std::size_t i = 0; i < sizeof(uuid.bytes); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned char>(uuid.bytes[i]));
    text += hex.data();
  }
  return text;
}

// None of these calls creates a context.
DeviceProperties properties_of(int index) {
  Context context(index);
  cudaDeviceProp answer{};
  context.check(cudaGetDeviceProperties(&answer, index), "cudaGetDeviceProperties");
  std::array<char, 32> bus_id{};
  context.check(cudaDeviceGetPCIBusId(bus_id.data(), static_cast<int>(bus_id.size()), index),
                "cudaDeviceGetPCIBusId");
  int pools = 0;
  context.check(cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, index),
                "cudaDeviceGetAttribute");
  DeviceProperties properties;
  properties.index = index;
  properties.name = answer.name;
  properties.uuid = uuid_text(answer.uuid);
  properties.pci_bus_id = bus_id.data();
  properties.total_memory = answer.totalGlobalMem;
  properties.compute_major = answer.major;
  properties.compute_minor = answer.minor;
  properties.memory_pools_supported = pools != 0;
  return properties;
}

}  // namespace

Runtime& Runtime::instance() {
  static auto* const runtime = new Runtime;
  return *runtime;
}

Runtime::Runtime() {
  if (cudaRuntimeGetVersion(&probe_.runtime_version) != cudaSuccess) probe_.runtime_version = 0;
  if (cudaDriverGetVersion(&probe_.driver_version) != cudaSuccess) probe_.driver_version = 0;
  int count = 0;
  probe_.code = cudaGetDeviceCount(&count);
  if (probe_.code == cudaSuccess) {
    try {
      for (int index = 0; index < count; ++index) {
        devices_.push_back(std::make_unique<Device>(properties_of(index)));
      }
      probe_.device_count = count;
    } catch (const CudaException& exception) {
      probe_.code = exception.failure().code;
    }
  }
  cudaGetLastError();
}

}  // namespace cuda_shutdown

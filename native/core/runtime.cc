#include "core/runtime.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <string>

namespace cuda_shutdown {

namespace {

// Guards the making of the current one.
std::mutex making;
std::atomic<Runtime*> current_runtime{nullptr};

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
  if (auto* const runtime = current_runtime.load()) return *runtime;
  const std::lock_guard lock(making);
  if (current_runtime.load() == nullptr) current_runtime.store(new Runtime);
  return *current_runtime.load();
}

void Runtime::begin_anew(const std::function<void()>& change) {
  const std::lock_guard lock(making);
  auto* const old = current_runtime.load();
  std::size_t models = 0;
  if (old != nullptr) {
    for (const auto& device : old->devices_) models += device->models();
  }
  if (models > 0) {
    throw std::logic_error("Expected no model when the runtime begins anew, got " +
                           std::to_string(models) + ": unload them first");
  }
  change();
  if (old == nullptr) return;
  for (const auto& device : old->devices_) device->retire();
  auto* const anew = new Runtime;
  anew->previous_ = old;
  current_runtime.store(anew);
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

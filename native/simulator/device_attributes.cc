#include "device_attributes.h"

#include <cstdio>
#include <cstring>

namespace cuda_simulator {
namespace {

constexpr int kMajor = 9;
constexpr int kMinor = 0;
constexpr int kMultiprocessors = 132;
constexpr int kWarp = 32;
constexpr int kThreadsPerBlock = 1024;

int pci_bus(int ordinal) { return ordinal + 1; }

}  // namespace

std::optional<int> device_attribute(cudaDeviceAttr attribute, int ordinal, bool memory_pools) {
  switch (attribute) {
    case cudaDevAttrMemoryPoolsSupported:
      return memory_pools ? 1 : 0;
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrCanMapHostMemory:
    case cudaDevAttrConcurrentKernels:
      return 1;
    case cudaDevAttrComputeCapabilityMajor:
      return kMajor;
    case cudaDevAttrComputeCapabilityMinor:
      return kMinor;
    case cudaDevAttrMultiProcessorCount:
      return kMultiprocessors;
    case cudaDevAttrWarpSize:
      return kWarp;
    case cudaDevAttrMaxThreadsPerBlock:
      return kThreadsPerBlock;
    case cudaDevAttrAsyncEngineCount:
      return 1;
    case cudaDevAttrPciBusId:
      return pci_bus(ordinal);
    case cudaDevAttrPciDeviceId:
    case cudaDevAttrPciDomainId:
    case cudaDevAttrIntegrated:
    case cudaDevAttrEccEnabled:
    case cudaDevAttrComputeMode:
    case cudaDevAttrKernelExecTimeout:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrConcurrentManagedAccess:
    case cudaDevAttrPageableMemoryAccess:
    case cudaDevAttrHostRegisterSupported:
    case cudaDevAttrStreamPrioritiesSupported:
    case cudaDevAttrMemoryPoolSupportedHandleTypes:
      return 0;
    default:
      return std::nullopt;
  }
}

std::string pci_bus_id(int ordinal) {
  char text[16];
  std::snprintf(text, sizeof(text), "0000:%02X:00.0", static_cast<unsigned int>(pci_bus(ordinal)));
  return text;
}

cudaDeviceProp device_properties(int ordinal, std::uint64_t memory, bool memory_pools) {
  cudaDeviceProp properties{};
  std::snprintf(properties.name, sizeof(properties.name), "Simulated device %d", ordinal);
  std::memcpy(properties.uuid.bytes, "cuda-simulator", 14);
  properties.uuid.bytes[15] = static_cast<char>(ordinal);
  properties.totalGlobalMem = memory;
  properties.major = kMajor;
  properties.minor = kMinor;
  properties.multiProcessorCount = kMultiprocessors;
  properties.warpSize = kWarp;
  properties.maxThreadsPerBlock = kThreadsPerBlock;
  properties.pciBusID = pci_bus(ordinal);
  properties.unifiedAddressing = 1;
  properties.canMapHostMemory = 1;
  properties.concurrentKernels = 1;
  properties.asyncEngineCount = 1;
  properties.memoryPoolsSupported = memory_pools ? 1 : 0;
  return properties;
}

}  // namespace cuda_simulator

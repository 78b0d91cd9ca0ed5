#include "device_attributes.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <utility>

namespace cuda_simulator {
namespace {

// Those of a Hopper device, by number: a toolkit may lack the newest. In ascending order.
constexpr std::pair<int, int> kAttributes[] = {
    {1, 1024},  // threads of a block, and their dimensions
    {2, 1024},        {3, 1024},        {4, 64},           {5, 2147483647},
    {6, 65535},       {7, 65535},       {8, 49152},        {9, 65536},
    {10, 32},         {11, 2147483647}, {12, 65536},       {13, 1980000},
    {14, 512},        {15, 1},          {16, 132},         {17, 0},
    {18, 0},          {19, 1},          {20, 0},           {21, 131072},
    {22, 131072},     {23, 65536},      {24, 16384},       {25, 16384},
    {26, 16384},      {27, 32768},      {28, 32768},       {29, 2048},
    {30, 512},        {31, 1},          {32, 1},           {34, 0},
    {35, 0},          {36, 2619000},    {37, 5120},        {38, 52428800},
    {39, 2048},       {40, 3},          {41, 1},           {42, 32768},
    {43, 2048},       {45, 32768},      {46, 32768},       {47, 8192},
    {48, 8192},       {49, 32768},      {50, 0},           {51, 32},
    {52, 32768},      {53, 32768},      {54, 2046},        {55, 32768},
    {56, 131072},     {57, 65536},      {58, 16384},       {59, 16384},
    {60, 16384},      {61, 32768},      {62, 2048},        {63, 32768},
    {64, 32768},      {65, 2048},       {66, 32768},       {67, 32768},
    {68, 2046},       {69, 268435456},  {70, 131072},      {71, 65000},
    {72, 2097120},    {73, 32768},      {74, 32768},       {75, 9},
    {76, 0},          {77, 32768},      {78, 1},           {79, 1},
    {80, 1},          {81, 233472},     {82, 65536},       {83, 1},  // managed memory
    {84, 0},          {86, 0},          {87, 2},           {88, 0},
    {89, 1},  // which the host and the devices may touch at the same time
    {90, 1},          {91, 1},          {95, 1},           {97, 232448},
    {98, 0},          {99, 1},  // cudaHostRegister
    {100, 0},         {101, 0},         {106, 32},         {108, 32768000},
    {109, 134213632}, {111, 1024},      {112, 1},          {113, 0},
    {114, 1},         {116, 0},         {117, 0},          {118, 0},
    {119, 0},  // no pool may be shared with another process
    {120, 1},         {121, 1},         {125, 0},          {126, 4},
    {130, 0},         {131, -1},        {133, 0},          {134, 0},
    {135, 0},         {138, 0},         {139, 0x233010DE}, {140, 0x16C010DE},
    {142, 0},         {143, 0},         {144, 0},  // nor is one of host memory
    {147, 0}};

// The members of cudaDeviceProp that are attributes, too.
struct NumberMember {
  int cudaDeviceProp::*member;
  cudaDeviceAttr attribute;
};
constexpr NumberMember kNumberMembers[] = {
    {&cudaDeviceProp::regsPerBlock, cudaDevAttrMaxRegistersPerBlock},
    {&cudaDeviceProp::warpSize, cudaDevAttrWarpSize},
    {&cudaDeviceProp::maxThreadsPerBlock, cudaDevAttrMaxThreadsPerBlock},
    {&cudaDeviceProp::major, cudaDevAttrComputeCapabilityMajor},
    {&cudaDeviceProp::minor, cudaDevAttrComputeCapabilityMinor},
    {&cudaDeviceProp::multiProcessorCount, cudaDevAttrMultiProcessorCount},
    {&cudaDeviceProp::integrated, cudaDevAttrIntegrated},
    {&cudaDeviceProp::canMapHostMemory, cudaDevAttrCanMapHostMemory},
    {&cudaDeviceProp::concurrentKernels, cudaDevAttrConcurrentKernels},
    {&cudaDeviceProp::ECCEnabled, cudaDevAttrEccEnabled},
    {&cudaDeviceProp::pciBusID, cudaDevAttrPciBusId},
    {&cudaDeviceProp::pciDeviceID, cudaDevAttrPciDeviceId},
    {&cudaDeviceProp::pciDomainID, cudaDevAttrPciDomainId},
    {&cudaDeviceProp::asyncEngineCount, cudaDevAttrAsyncEngineCount},
    {&cudaDeviceProp::unifiedAddressing, cudaDevAttrUnifiedAddressing},
    {&cudaDeviceProp::memoryBusWidth, cudaDevAttrGlobalMemoryBusWidth},
    {&cudaDeviceProp::l2CacheSize, cudaDevAttrL2CacheSize},
    {&cudaDeviceProp::persistingL2CacheMaxSize, cudaDevAttrMaxPersistingL2CacheSize},
    {&cudaDeviceProp::maxThreadsPerMultiProcessor, cudaDevAttrMaxThreadsPerMultiProcessor},
    {&cudaDeviceProp::streamPrioritiesSupported, cudaDevAttrStreamPrioritiesSupported},
    {&cudaDeviceProp::globalL1CacheSupported, cudaDevAttrGlobalL1CacheSupported},
    {&cudaDeviceProp::localL1CacheSupported, cudaDevAttrLocalL1CacheSupported},
    {&cudaDeviceProp::regsPerMultiprocessor, cudaDevAttrMaxRegistersPerMultiprocessor},
    {&cudaDeviceProp::managedMemory, cudaDevAttrManagedMemory},
    {&cudaDeviceProp::multiGpuBoardGroupID, cudaDevAttrMultiGpuBoardGroupID},
    {&cudaDeviceProp::concurrentManagedAccess, cudaDevAttrConcurrentManagedAccess},
    {&cudaDeviceProp::pageableMemoryAccess, cudaDevAttrPageableMemoryAccess},
    {&cudaDeviceProp::computePreemptionSupported, cudaDevAttrComputePreemptionSupported},
    {&cudaDeviceProp::canUseHostPointerForRegisteredMem,
     cudaDevAttrCanUseHostPointerForRegisteredMem},
    {&cudaDeviceProp::cooperativeLaunch, cudaDevAttrCooperativeLaunch},
    {&cudaDeviceProp::maxBlocksPerMultiProcessor, cudaDevAttrMaxBlocksPerMultiprocessor},
    {&cudaDeviceProp::accessPolicyMaxWindowSize, cudaDevAttrMaxAccessPolicyWindowSize},
    {&cudaDeviceProp::hostRegisterSupported, cudaDevAttrHostRegisterSupported},
    {&cudaDeviceProp::sparseCudaArraySupported, cudaDevAttrSparseCudaArraySupported},
    {&cudaDeviceProp::hostRegisterReadOnlySupported, cudaDevAttrHostRegisterReadOnlySupported},
    {&cudaDeviceProp::timelineSemaphoreInteropSupported,
     cudaDevAttrTimelineSemaphoreInteropSupported},
    {&cudaDeviceProp::memoryPoolsSupported, cudaDevAttrMemoryPoolsSupported},
    {&cudaDeviceProp::clusterLaunch, cudaDevAttrClusterLaunch},
    {&cudaDeviceProp::deferredMappingCudaArraySupported,
     cudaDevAttrDeferredMappingCudaArraySupported},
};
struct BytesMember {
  std::size_t cudaDeviceProp::*member;
  cudaDeviceAttr attribute;
};
constexpr BytesMember kBytesMembers[] = {
    {&cudaDeviceProp::sharedMemPerBlock, cudaDevAttrMaxSharedMemoryPerBlock},
    {&cudaDeviceProp::memPitch, cudaDevAttrMaxPitch},
    {&cudaDeviceProp::totalConstMem, cudaDevAttrTotalConstantMemory},
    {&cudaDeviceProp::textureAlignment, cudaDevAttrTextureAlignment},
    {&cudaDeviceProp::texturePitchAlignment, cudaDevAttrTexturePitchAlignment},
    {&cudaDeviceProp::surfaceAlignment, cudaDevAttrSurfaceAlignment},
    {&cudaDeviceProp::sharedMemPerMultiprocessor, cudaDevAttrMaxSharedMemoryPerMultiprocessor},
    {&cudaDeviceProp::sharedMemPerBlockOptin, cudaDevAttrMaxSharedMemoryPerBlockOptin},
    {&cudaDeviceProp::reservedSharedMemPerBlock, cudaDevAttrReservedSharedMemoryPerBlock},
};

int pci_bus(int ordinal) { return ordinal + 1; }

}  // namespace

std::optional<int> device_attribute(cudaDeviceAttr attribute, int ordinal, bool memory_pools) {
  const int number = static_cast<int>(attribute);
  if (number == cudaDevAttrMemoryPoolsSupported) return memory_pools ? 1 : 0;
  if (number == cudaDevAttrPciBusId) return pci_bus(ordinal);
  if (number == cudaDevAttrMultiGpuBoardGroupID) return ordinal;
  const auto* found = std::lower_bound(
      std::begin(kAttributes), std::end(kAttributes), number,
      [](const std::pair<int, int>& entry, int wanted) { return entry.first < wanted; });
  if (found == std::end(kAttributes) || found->first != number) return std::nullopt;
  return found->second;
}

std::string pci_bus_id(int ordinal) {
  char text[16];
  std::snprintf(text, sizeof(text), "0000:%02X:00.0", static_cast<unsigned int>(pci_bus(ordinal)));
  return text;
}

std::optional<std::string> parse_pci_bus_id(const char* text) {
  unsigned int domain = 0;
  unsigned int bus = 0;
  unsigned int device = 0;
  unsigned int function = 0;
  int read = 0;
  const auto whole = [&](int found, int wanted) {
    return found == wanted && static_cast<std::size_t>(read) == std::strlen(text);
  };
  const bool matches =
      whole(std::sscanf(text, "%x:%x:%x.%x%n", &domain, &bus, &device, &function, &read), 4) ||
      (function = 0, whole(std::sscanf(text, "%x:%x:%x%n", &domain, &bus, &device, &read), 3)) ||
      (domain = 0, whole(std::sscanf(text, "%x:%x.%x%n", &bus, &device, &function, &read), 3));
  if (!matches) return std::nullopt;
  char canonical[32];
  std::snprintf(canonical, sizeof(canonical), "%04X:%02X:%02X.%x", domain, bus, device, function);
  return canonical;
}

cudaDeviceProp device_properties(int ordinal, std::uint64_t memory, bool memory_pools) {
  const auto value = [&](cudaDeviceAttr attribute) {
    return device_attribute(attribute, ordinal, memory_pools).value_or(0);
  };
  cudaDeviceProp properties{};
  std::snprintf(properties.name, sizeof(properties.name), "Simulated device %d", ordinal);
  std::memcpy(properties.uuid.bytes, "cuda-simulator", 14);
  properties.uuid.bytes[15] = static_cast<char>(ordinal);
  properties.totalGlobalMem = memory;
  for (const auto& [member, attribute] : kNumberMembers) properties.*member = value(attribute);
  for (const auto& [member, attribute] : kBytesMembers) {
    properties.*member = static_cast<std::size_t>(value(attribute));
  }
  properties.maxThreadsDim[0] = value(cudaDevAttrMaxBlockDimX);
  properties.maxThreadsDim[1] = value(cudaDevAttrMaxBlockDimY);
  properties.maxThreadsDim[2] = value(cudaDevAttrMaxBlockDimZ);
  properties.maxGridSize[0] = value(cudaDevAttrMaxGridDimX);
  properties.maxGridSize[1] = value(cudaDevAttrMaxGridDimY);
  properties.maxGridSize[2] = value(cudaDevAttrMaxGridDimZ);
#if CUDART_VERSION >= 13000
  properties.deviceNumaId = value(cudaDevAttrNumaId);
  properties.gpuPciDeviceID = static_cast<unsigned int>(value(cudaDevAttrGpuPciDeviceId));
  properties.gpuPciSubsystemID = static_cast<unsigned int>(value(cudaDevAttrGpuPciSubsystemId));
#endif
  return properties;
}

}  // namespace cuda_simulator

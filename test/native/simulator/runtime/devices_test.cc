// Devices: their flags, attributes, properties and bus ids; graph memory; versions.
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class Devices : public RuntimeTest {
 protected:
  static int get(cudaDeviceAttr attribute, int device = 0) {
    int value = -99;
    EXPECT_EQ(cudaDeviceGetAttribute(&value, attribute, device), cudaSuccess) << attribute;
    return value;
  }
  static unsigned int flags() {
    unsigned int value = 0;
    EXPECT_EQ(cudaGetDeviceFlags(&value), cudaSuccess);
    return value;
  }
};

// cudaGetDeviceFlags: "Flags returned by this function may specifically include cudaDeviceMapHost
// even though it is not accepted by cudaSetDeviceFlags because it is implicit in runtime API
// flags."
TEST_F(Devices, MapHostMemory) {
  EXPECT_EQ(flags() & cudaDeviceMapHost, static_cast<unsigned int>(cudaDeviceMapHost));
}

// "If the current device has been set and that device has already been initialized, the previous
// flags are overwritten."
TEST_F(Devices, KeepTheirFlags) {
  ASSERT_EQ(cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync), cudaSuccess);
  EXPECT_EQ(flags() & cudaDeviceScheduleMask,
            static_cast<unsigned int>(cudaDeviceScheduleBlockingSync));
  ASSERT_EQ(cudaSetDeviceFlags(cudaDeviceScheduleYield), cudaSuccess);
  EXPECT_EQ(flags() & cudaDeviceScheduleMask, static_cast<unsigned int>(cudaDeviceScheduleYield));
}

// "Returns in flags the flags for the current device."
TEST_F(Devices, HaveTheirFlagsInEveryThread) {
  ASSERT_EQ(cudaSetDeviceFlags(cudaDeviceScheduleSpin), cudaSuccess);
  std::thread([] {
    EXPECT_EQ(flags() & cudaDeviceScheduleMask, static_cast<unsigned int>(cudaDeviceScheduleSpin));
  }).join();
}

// cudaErrorInvalidValue: "This indicates that one or more of the parameters passed to the API call
// is not within an acceptable range of values."
TEST_F(Devices, RefuseFlagsThatThereAreNot) {
  EXPECT_EQ(cudaSetDeviceFlags(0x10000), cudaErrorInvalidValue);
  EXPECT_EQ(cudaSetDeviceFlags(cudaDeviceScheduleSpin | cudaDeviceScheduleYield),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetDeviceFlags(nullptr), cudaErrorInvalidValue);
}

// cudaInitDevice: "the context will not be made current to device."
TEST_F(Devices, AreInitializedWithoutBecomingCurrent) {
  NEED_DEVICES(2);
  ASSERT_EQ(cudaInitDevice(1, 0, 0), cudaSuccess);
  int device = -1;
  ASSERT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 0);
}

// "When cudaInitDeviceFlagsAreValid is set in flags, deviceFlags are applied to the requested
// device." "The effect may be verified by cudaGetDeviceFlags."
TEST_F(Devices, AreInitializedWithFlags) {
  ASSERT_EQ(cudaInitDevice(0, cudaDeviceScheduleYield, cudaInitDeviceFlagsAreValid), cudaSuccess);
  EXPECT_EQ(flags() & cudaDeviceScheduleMask, static_cast<unsigned int>(cudaDeviceScheduleYield));
  ASSERT_EQ(cudaInitDevice(0, cudaDeviceScheduleSpin, 0), cudaSuccess);
  EXPECT_EQ(flags() & cudaDeviceScheduleMask, static_cast<unsigned int>(cudaDeviceScheduleYield));
}

// cudaErrorInvalidDevice: "This indicates that the device ordinal supplied by the user does not
// correspond to a valid CUDA device"
TEST_F(Devices, AreInitializedWhereTheyExist) {
  EXPECT_EQ(cudaInitDevice(999, 0, 0), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaInitDevice(0, 0, 0x80), cudaErrorInvalidValue);
}

// "Valid device id's are 0 to (cudaGetDeviceCount() - 1)."
TEST_F(Devices, AreNumberedFromZero) {
  int count = 0;
  ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(count - 1), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(count), cudaErrorInvalidDevice);
  int device = -1;
  ASSERT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, count - 1) << "a failure leaves the current device";
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
}

// cudaErrorInvalidValue: "This indicates that one or more of the parameters passed to the API call
// is not within an acceptable range of values."
TEST_F(Devices, AreCountedSomewhere) {
  EXPECT_EQ(cudaGetDeviceCount(nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetDevice(nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetDeviceProperties(nullptr, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceGetAttribute(nullptr, cudaDevAttrWarpSize, 0), cudaErrorInvalidValue);
}

// cudaDeviceProp's members and cudaDeviceAttr's values have the same meaning.
// "Returns in *value the integer value of the attribute attr on device device."
TEST_F(Devices, SayTheSameAsPropertyAndAsAttribute) {
  cudaDeviceProp all{};
  ASSERT_EQ(cudaGetDeviceProperties(&all, 0), cudaSuccess);
  EXPECT_EQ(all.major, get(cudaDevAttrComputeCapabilityMajor));
  EXPECT_EQ(all.minor, get(cudaDevAttrComputeCapabilityMinor));
  EXPECT_EQ(all.warpSize, get(cudaDevAttrWarpSize));
  EXPECT_EQ(all.multiProcessorCount, get(cudaDevAttrMultiProcessorCount));
  EXPECT_EQ(all.maxThreadsPerBlock, get(cudaDevAttrMaxThreadsPerBlock));
  EXPECT_EQ(all.maxThreadsDim[2], get(cudaDevAttrMaxBlockDimZ));
  EXPECT_EQ(all.maxGridSize[0], get(cudaDevAttrMaxGridDimX));
  EXPECT_EQ(all.sharedMemPerBlock,
            static_cast<std::size_t>(get(cudaDevAttrMaxSharedMemoryPerBlock)));
  EXPECT_EQ(all.totalConstMem, static_cast<std::size_t>(get(cudaDevAttrTotalConstantMemory)));
  EXPECT_EQ(all.regsPerBlock, get(cudaDevAttrMaxRegistersPerBlock));
  EXPECT_EQ(all.l2CacheSize, get(cudaDevAttrL2CacheSize));
  EXPECT_EQ(all.asyncEngineCount, get(cudaDevAttrAsyncEngineCount));
  EXPECT_EQ(all.pciBusID, get(cudaDevAttrPciBusId));
  EXPECT_EQ(all.pciDeviceID, get(cudaDevAttrPciDeviceId));
  EXPECT_EQ(all.pciDomainID, get(cudaDevAttrPciDomainId));
  EXPECT_EQ(all.unifiedAddressing, get(cudaDevAttrUnifiedAddressing));
  EXPECT_EQ(all.managedMemory, get(cudaDevAttrManagedMemory));
  EXPECT_EQ(all.concurrentManagedAccess, get(cudaDevAttrConcurrentManagedAccess));
  EXPECT_EQ(all.memoryPoolsSupported, get(cudaDevAttrMemoryPoolsSupported));
  EXPECT_EQ(all.hostRegisterSupported, get(cudaDevAttrHostRegisterSupported));
  EXPECT_EQ(all.streamPrioritiesSupported, get(cudaDevAttrStreamPrioritiesSupported));
  EXPECT_EQ(all.canMapHostMemory, get(cudaDevAttrCanMapHostMemory));
}

// "Returns in *total the total amount of memory available to the the current context. Returns in
// *free the amount of memory on the device that is free according to the OS."
TEST_F(Devices, HaveTheMemoryThatTheyHave) {
  cudaDeviceProp all{};
  std::size_t free = 0;
  std::size_t total = 0;
  ASSERT_EQ(cudaGetDeviceProperties(&all, 0), cudaSuccess);
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(all.totalGlobalMem, total);
  EXPECT_LE(free, total);
}

// "Returns … cudaErrorInvalidValue"
TEST_F(Devices, RefuseAttributesThatThereAreNot) {
  int value = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(0), 0),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(255), 0),
            cudaErrorInvalidValue);
}

// "16-byte unique identifier": of each device its own.
TEST_F(Devices, HaveIdentitiesOfTheirOwn) {
  NEED_DEVICES(2);
  cudaDeviceProp first{};
  cudaDeviceProp second{};
  ASSERT_EQ(cudaGetDeviceProperties(&first, 0), cudaSuccess);
  ASSERT_EQ(cudaGetDeviceProperties(&second, 1), cudaSuccess);
  EXPECT_NE(std::memcmp(&first.uuid, &second.uuid, sizeof(first.uuid)), 0);
}

// "pciBusId should be large enough to store 13 characters including the NULL-terminator."
TEST_F(Devices, HaveABusId) {
  char text[13] = {};
  ASSERT_EQ(cudaDeviceGetPCIBusId(text, sizeof(text), 0), cudaSuccess);
  EXPECT_EQ(std::strlen(text), 12U);
  unsigned int domain = 0;
  unsigned int bus = 0;
  ASSERT_EQ(std::sscanf(text, "%x:%x:", &domain, &bus), 2);
  EXPECT_EQ(bus, static_cast<unsigned int>(get(cudaDevAttrPciBusId)));
}

// "Returns in *device a device ordinal given a PCI bus ID string."
// "[domain]:[bus]:[device].[function] [domain]:[bus]:[device] [bus]:[device].[function]"
TEST_F(Devices, AreFoundByTheirBusId) {
  char text[16] = {};
  ASSERT_EQ(cudaDeviceGetPCIBusId(text, sizeof(text), 0), cudaSuccess);
  const std::string whole(text);
  int device = -1;
  EXPECT_EQ(cudaDeviceGetByPCIBusId(&device, whole.c_str()), cudaSuccess);
  EXPECT_EQ(device, 0);
  device = -1;
  EXPECT_EQ(cudaDeviceGetByPCIBusId(&device, whole.substr(0, whole.find('.')).c_str()),
            cudaSuccess);
  EXPECT_EQ(device, 0);
  device = -1;
  EXPECT_EQ(cudaDeviceGetByPCIBusId(&device, whole.substr(whole.find(':') + 1).c_str()),
            cudaSuccess);
  EXPECT_EQ(device, 0);
}

// "where domain, bus, device, and function are all hexadecimal values"
TEST_F(Devices, AreNotFoundByOtherIds) {
  int device = -1;
  EXPECT_EQ(cudaDeviceGetByPCIBusId(&device, "7FFF:7F:1F.7"), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceGetByPCIBusId(&device, "nonsense"), cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceGetByPCIBusId(&device, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceGetByPCIBusId(nullptr, "0000:01:00.0"), cudaErrorInvalidValue);
}

// "The CUDA version is specified as (1000 * major + 10 * minor)"
TEST_F(Devices, HaveADriverForTheRuntime) {
  int driver = 0;
  int runtime = 0;
  ASSERT_EQ(cudaDriverGetVersion(&driver), cudaSuccess);
  ASSERT_EQ(cudaRuntimeGetVersion(&runtime), cudaSuccess);
  EXPECT_GE(driver / 1000, runtime / 1000);
  EXPECT_EQ(cudaDriverGetVersion(nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaRuntimeGetVersion(nullptr), cudaErrorInvalidValue);
}

// cudaDeviceGetGraphMemAttribute: "Amount of memory, in bytes, currently associated with graphs"
TEST_F(Devices, HoldNoGraphMemoryWithoutGraphs) {
  for (const auto attribute :
       {cudaGraphMemAttrUsedMemCurrent, cudaGraphMemAttrUsedMemHigh,
        cudaGraphMemAttrReservedMemCurrent, cudaGraphMemAttrReservedMemHigh}) {
    std::uint64_t bytes = 9;
    ASSERT_EQ(cudaDeviceGetGraphMemAttribute(0, attribute, &bytes), cudaSuccess);
    EXPECT_EQ(bytes, 0U);
  }
}

// cudaDeviceSetGraphMemAttribute: "High watermark can only be reset to zero."
TEST_F(Devices, ResetTheMarksOfGraphMemoryToZero) {
  std::uint64_t bytes = 0;
  EXPECT_EQ(cudaDeviceSetGraphMemAttribute(0, cudaGraphMemAttrUsedMemHigh, &bytes), cudaSuccess);
  EXPECT_EQ(cudaDeviceSetGraphMemAttribute(0, cudaGraphMemAttrReservedMemHigh, &bytes),
            cudaSuccess);
  bytes = 1;
  EXPECT_NE(cudaDeviceSetGraphMemAttribute(0, cudaGraphMemAttrUsedMemHigh, &bytes), cudaSuccess);
}

// "Valid attributes are: … cudaGraphMemAttrUsedMemHigh … cudaGraphMemAttrReservedMemHigh"
TEST_F(Devices, DoNotSetHowMuchGraphMemoryThereIs) {
  std::uint64_t bytes = 0;
  EXPECT_EQ(cudaDeviceSetGraphMemAttribute(0, cudaGraphMemAttrUsedMemCurrent, &bytes),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceSetGraphMemAttribute(0, cudaGraphMemAttrReservedMemCurrent, &bytes),
            cudaErrorInvalidValue);
}

// cudaErrorInvalidDevice: "This indicates that the device ordinal supplied by the user does not
// correspond to a valid CUDA device"
TEST_F(Devices, HaveGraphMemoryWhereTheyExist) {
  std::uint64_t bytes = 0;
  EXPECT_EQ(cudaDeviceGetGraphMemAttribute(999, cudaGraphMemAttrUsedMemHigh, &bytes),
            cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceSetGraphMemAttribute(999, cudaGraphMemAttrUsedMemHigh, &bytes),
            cudaErrorInvalidDevice);
  EXPECT_NE(cudaDeviceGraphMemTrim(999), cudaSuccess);
}

// cudaDeviceReset: "Any subsequent API call to this device will reinitialize the device."
TEST_F(Devices, BeginAgainAfterAReset) {
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess) << "of a device that was not used since";
  ASSERT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
  EXPECT_EQ(cudaFree(pointer), cudaSuccess);
}

// "This function will do no synchronization with the previous or new device"
TEST_F(Devices, BecomeCurrentWhileTheyWork) {
  NEED_DEVICES(2);
  Gate gate;
  gate.hold(nullptr);
  EXPECT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(nullptr), cudaErrorNotReady);
}

}  // namespace
}  // namespace cuda_simulator

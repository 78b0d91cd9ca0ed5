#include <cstring>
#include <thread>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class Contexts : public SimulatorTest {
 protected:
  Contexts() { begin({.devices = 3}); }

  // The driver's cuDevicePrimaryCtxGetState, as a program without the driver's headers calls it.
  static bool active(int device) {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult status{};
    EXPECT_EQ(cudaGetDriverEntryPointByVersion("cuDevicePrimaryCtxGetState", &function, 12000,
                                               cudaEnableDefault, &status),
              cudaSuccess);
    EXPECT_EQ(status, cudaDriverEntryPointSuccess);
    unsigned int flags = 1;
    int is_active = -1;
    const auto ask = reinterpret_cast<int (*)(int, unsigned int*, int*)>(function);
    EXPECT_EQ(ask(device, &flags, &is_active), 0);
    EXPECT_EQ(flags, 0U);
    EXPECT_EQ(ledger(device).context_active, static_cast<std::uint64_t>(is_active));
    return is_active != 0;
  }
};

TEST_F(Contexts, AreNotBegunByAsking) {
  int value = 0;
  ASSERT_EQ(cudaGetDeviceCount(&value), cudaSuccess);
  EXPECT_EQ(value, 3);
  ASSERT_EQ(cudaGetDevice(&value), cudaSuccess);
  EXPECT_EQ(value, 0);
  cudaDeviceProp properties{};
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 1), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrMemoryPoolsSupported, 1), cudaSuccess);
  EXPECT_EQ(value, 1);
  char bus[32];
  ASSERT_EQ(cudaDeviceGetPCIBusId(bus, sizeof(bus), 1), cudaSuccess);
  EXPECT_EQ(std::strlen(bus), 12U);
  ASSERT_EQ(cudaRuntimeGetVersion(&value), cudaSuccess);
  ASSERT_EQ(cudaDriverGetVersion(&value), cudaSuccess);
  EXPECT_GE(value, 12050);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
  for (int device = 0; device < 3; ++device) EXPECT_FALSE(active(device));
}

// "This function will also immediately initialize the runtime state on the primary context"
TEST_F(Contexts, AreBegunBySetDevice) {
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_FALSE(active(0));
  EXPECT_TRUE(active(1));
}

// "If no context is current to the calling host thread, then the primary context for a device is
// selected, made current to the calling thread, and initialized"
TEST_F(Contexts, AreBegunByTheFirstCallThatNeedsOne) {
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_TRUE(active(0));
  std::size_t free = 0;
  std::size_t total = 0;
  begin({.devices = 2});
  EXPECT_FALSE(active(0));
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_TRUE(active(0));
  EXPECT_FALSE(active(1));
}

// "Sets device as the current device for the calling host thread."
TEST_F(Contexts, AreCurrentToAThread) {
  ASSERT_EQ(cudaSetDevice(2), cudaSuccess);
  int device = -1;
  std::thread([&] { EXPECT_EQ(cudaGetDevice(&device), cudaSuccess); }).join();
  EXPECT_EQ(device, 0);
  ASSERT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 2);
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
  EXPECT_EQ(ledger(2).used_bytes, kMiB);
  EXPECT_EQ(ledger(0).used_bytes, 0U);
}

// "Valid device id's are 0 to (cudaGetDeviceCount() - 1)."
TEST_F(Contexts, RefuseDevicesThatAreNotThere) {
  int value = 0;
  cudaDeviceProp properties{};
  char bus[32];
  EXPECT_EQ(cudaSetDevice(3), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 3), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 3), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceGetPCIBusId(bus, sizeof(bus), 3), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceGetPCIBusId(bus, 12, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceGraphMemTrim(3), cudaErrorInvalidDevice);
  for (int device = 0; device < 3; ++device) EXPECT_FALSE(active(device)) << device;
}

// "Returns in *prop the properties of device dev."
TEST_F(Contexts, ReportTheDevice) {
  begin({.devices = 2, .memory = 3 * kMiB});
  cudaDeviceProp first{};
  cudaDeviceProp second{};
  ASSERT_EQ(cudaGetDeviceProperties(&first, 0), cudaSuccess);
  ASSERT_EQ(cudaGetDeviceProperties(&second, 1), cudaSuccess);
  EXPECT_EQ(first.totalGlobalMem, 3 * kMiB);
  EXPECT_NE(std::memcmp(&first.uuid, &second.uuid, sizeof(first.uuid)), 0);
  EXPECT_NE(first.pciBusID, second.pciBusID);
  EXPECT_STREQ(second.name, "Simulated device 1");
}

// cudaDeviceReset: "Explicitly destroys and cleans up all resources associated with the current
// device in the current process." "will not destroy memory allocations by cudaMallocAsync() and
// cudaMallocFromPoolAsync()." "Any subsequent API call to this device will reinitialize the
// device."
TEST_F(Contexts, EndWithDeviceReset) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  void* device = nullptr;
  void* pinned = nullptr;
  void* block = nullptr;
  ASSERT_EQ(cudaMalloc(&device, kMiB), cudaSuccess);
  ASSERT_EQ(cudaMallocHost(&pinned, kMiB), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&block, kMiB, stream), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  const cudaStream_t other = make_stream();
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);

  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_FALSE(active(0));
  EXPECT_TRUE(active(1));
  EXPECT_EQ(ledger(0).used_bytes, kMiB) << "the pool's";
  EXPECT_EQ(ledger(0).live_streams, 0U);
  EXPECT_EQ(pinned_host_bytes(), 0U);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamSynchronize(other), cudaSuccess);
  EXPECT_EQ(cudaFree(block), cudaSuccess);
  EXPECT_EQ(ledger(0).used_bytes, 0U);
  EXPECT_TRUE(active(0));
}

TEST_F(Contexts, ResetOfADeviceWithoutAContextBeginsNone) {
  EXPECT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_FALSE(active(0));
}

TEST_F(Contexts, NeedADevice) {
  begin({.devices = 0});
  int value = -1;
  EXPECT_EQ(cudaGetDeviceCount(&value), cudaErrorNoDevice);
  EXPECT_EQ(value, 0);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorNoDevice);
  EXPECT_EQ(cudaFree(nullptr), cudaErrorNoDevice);
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaErrorNoDevice);
  EXPECT_EQ(cudaRuntimeGetVersion(&value), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNoDevice);
}

TEST_F(Contexts, HaveNoGraphMemory) {
  std::uint64_t value = 1;
  EXPECT_EQ(cudaDeviceGetGraphMemAttribute(0, cudaGraphMemAttrReservedMemCurrent, &value),
            cudaSuccess);
  EXPECT_EQ(value, 0U);
  EXPECT_EQ(cudaDeviceGraphMemTrim(0), cudaSuccess);
}

// "The API will return cudaSuccess and set the returned funcPtr to NULL if … the driver symbol is
// invalid." "If the specified CUDA version is greater than the driver version, the API will return
// cudaErrorInvalidValue."
TEST_F(Contexts, DriverHasOnlyTheFunctionsAboutThem) {
  void* function = &function;
  cudaDriverEntryPointQueryResult status{};
  ASSERT_EQ(cudaGetDriverEntryPointByVersion("cuMemAlloc", &function, 12000, 0, &status),
            cudaSuccess);
  EXPECT_EQ(function, nullptr);
  EXPECT_EQ(status, cudaDriverEntryPointSymbolNotFound);
  EXPECT_EQ(cudaGetDriverEntryPointByVersion("cuInit", &function, 99000, 0, &status),
            cudaErrorInvalidValue);
  ASSERT_EQ(cudaGetDriverEntryPointByVersion("cuInit", &function, 12000, 0, nullptr), cudaSuccess);
  EXPECT_EQ(reinterpret_cast<int (*)(unsigned int)>(function)(0), 0);
  EXPECT_FALSE(active(0));
}

}  // namespace
}  // namespace cuda_simulator

#include <cstring>
#include <numeric>
#include <thread>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class Memory : public SimulatorTest {};

// "Allocates size bytes of linear memory on the device and returns in *devPtr a pointer to the
// allocated memory."
TEST_F(Memory, ComesFromTheDeviceAndGoesBack) {
  std::size_t before = 0;
  std::size_t after = 0;
  std::size_t total = 0;
  ASSERT_EQ(cudaMemGetInfo(&before, &total), cudaSuccess);
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 10 * kMiB), cudaSuccess);
  ASSERT_EQ(cudaMemGetInfo(&after, &total), cudaSuccess);
  EXPECT_EQ(before - after, 10 * kMiB);
  ASSERT_EQ(cudaFree(pointer), cudaSuccess);
  ASSERT_EQ(cudaMemGetInfo(&after, &total), cudaSuccess);
  EXPECT_EQ(before, after);
}

// "If cudaFree(devPtr) has already been called before, an error is returned. If devPtr is 0, no
// operation is performed."
TEST_F(Memory, IsFreedOnce) {
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 100), cudaSuccess);
  EXPECT_EQ(cudaFree(static_cast<char*>(pointer) + 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(pointer), cudaSuccess);
  EXPECT_EQ(cudaFree(pointer), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaMalloc(nullptr, 1), cudaErrorInvalidValue);
}

// "For all other pointers, this API may perform implicit synchronization."
TEST_F(Memory, OfCudaMallocIsFreedAfterTheDevicesWork) {
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
  const cudaStream_t stream = make_stream();
  Gate gate;
  gate.hold(stream);
  std::promise<cudaError_t> freed;
  auto answer = freed.get_future();
  std::thread thread([&] { freed.set_value(cudaFree(pointer)); });
  ASSERT_TRUE(wait_for_call("cudaFree", 1, kPatience));
  EXPECT_EQ(ledger(0).used_bytes, kMiB);
  gate.open();
  EXPECT_EQ(answer.get(), cudaSuccess);
  thread.join();
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  EXPECT_EQ(ledger(0).used_bytes, 0U);
}

TEST_F(Memory, OfCudaMallocMayBeFreedInStreamOrder) {
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
  const cudaStream_t stream = make_stream();
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(pointer, stream), cudaErrorInvalidValue);
  EXPECT_EQ(ledger(0).used_bytes, kMiB);
  gate.open();
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(ledger(0).reserved_bytes, 0U);
}

// "Allocates size bytes of host memory that is page-locked and accessible to the device."
TEST_F(Memory, OfTheHostIsPinnedUntilFreed) {
  void* pinned = nullptr;
  void* other = nullptr;
  ASSERT_EQ(cudaHostAlloc(&pinned, 1000, cudaHostAllocPortable), cudaSuccess);
  ASSERT_EQ(cudaMallocHost(&other, 24), cudaSuccess);
  std::memset(pinned, 1, 1000);
  EXPECT_EQ(pinned_host_bytes(), 1024U);
  EXPECT_EQ(cudaFree(pinned), cudaErrorInvalidValue) << "the device's cudaFree is not for it";
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(other), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(nullptr), cudaSuccess);
  EXPECT_EQ(pinned_host_bytes(), 0U);
  EXPECT_EQ(cudaHostAlloc(&pinned, 1, 0x80), cudaErrorInvalidValue);
  void* device = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 1), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(device), cudaErrorInvalidValue);
}

// "Copies count bytes from the memory area pointed to by src to the memory area pointed to by dst"
TEST_F(Memory, IsCopiedBothWays) {
  std::vector<int> source(10000);
  std::iota(source.begin(), source.end(), 0);
  std::vector<int> back(source.size());
  const std::size_t bytes = source.size() * sizeof(int);
  void* first = nullptr;
  void* second = nullptr;
  ASSERT_EQ(cudaMalloc(&first, bytes), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&second, bytes, nullptr), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(first, source.data(), bytes, cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(second, first, bytes, cudaMemcpyDeviceToDevice), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(back.data(), second, bytes, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(source, back);
}

// "For transfers from pageable host memory to device memory, host memory is copied to a staging
// buffer immediately" (API synchronization behavior, asynchronous).
TEST_F(Memory, ThatIsPageableMayChangeAfterAnAsynchronousCopy) {
  void* device = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 4), cudaSuccess);
  const cudaStream_t stream = make_stream();
  Gate gate;
  gate.hold(stream);
  int value = 1;
  ASSERT_EQ(cudaMemcpyAsync(device, &value, 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  value = 2;
  gate.open();
  int back = 0;
  ASSERT_EQ(cudaMemcpyAsync(&back, device, 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(back, 1) << "to pageable memory the call returns once the copy is complete";
}

// "cudaMemcpyAsync() is asynchronous with respect to the host, so the call may return before the
// copy is complete."
TEST_F(Memory, ThatIsPinnedIsReadWhenTheStreamComesToIt) {
  void* device = nullptr;
  int* pinned = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 4), cudaSuccess);
  ASSERT_EQ(cudaMallocHost(reinterpret_cast<void**>(&pinned), 4), cudaSuccess);
  const cudaStream_t stream = make_stream();
  Gate gate;
  gate.hold(stream);
  *pinned = 1;
  ASSERT_EQ(cudaMemcpyAsync(device, pinned, 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  *pinned = 2;
  gate.open();
  int back = 0;
  ASSERT_EQ(cudaMemcpyAsync(&back, device, 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(back, 2);
}

// "Fills the first count bytes of the memory area pointed to by devPtr with the constant byte value
// value."
TEST_F(Memory, IsFilled) {
  unsigned char back[16] = {};
  void* device = nullptr;
  ASSERT_EQ(cudaMalloc(&device, sizeof(back)), cudaSuccess);
  ASSERT_EQ(cudaMemset(device, 0xAB, sizeof(back)), cudaSuccess);
  ASSERT_EQ(cudaMemset(static_cast<char*>(device) + 1, 0, 1), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(back, device, sizeof(back), cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(back[0], 0xAB);
  EXPECT_EQ(back[1], 0);
  EXPECT_EQ(back[15], 0xAB);
  EXPECT_EQ(cudaMemset(back, 0, 1), cudaErrorInvalidValue) << "not the device's memory";
}

// "kind specifies the direction of the copy, and must be one of cudaMemcpyHostToHost,
// cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, or cudaMemcpyDefault"
TEST_F(Memory, RefusesWrongCopies) {
  void* device = nullptr;
  char host[64] = {};
  ASSERT_EQ(cudaMalloc(&device, 32), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(device, host, 33, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device, nullptr, 1, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host, host + 32, 1, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host, device, 1, static_cast<cudaMemcpyKind>(7)),
            cudaErrorInvalidMemcpyDirection);
  EXPECT_EQ(cudaMemcpy(device, host, 0, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemset(device, 0, 33), cudaErrorInvalidValue);
  void* block = nullptr;
  ASSERT_EQ(cudaMallocAsync(&block, 100, nullptr), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(block, host, 64, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemset(block, 0, 101), cudaErrorInvalidValue);
}

// Work on memory that is gone when the stream comes to it: the context fails, as on a device.
// cudaErrorIllegalAddress: "This leaves the process in an inconsistent state and any further CUDA
// work will return the same error."
TEST_F(Memory, FreedTooEarlyIsAnIllegalAddress) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(kMiB, pool, stream);
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaMemsetAsync(pointer, 1, kMiB, stream), cudaSuccess);
  ASSERT_EQ(cudaFree(pointer), cudaSuccess);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
}

// "Returns in *attributes the attributes of the pointer ptr."
TEST_F(Memory, TellsWhatAPointerIs) {
  begin({.devices = 2});
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  void* device = nullptr;
  void* block = nullptr;
  void* pinned = nullptr;
  int local = 0;
  ASSERT_EQ(cudaMalloc(&device, 64), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&block, 64, nullptr), cudaSuccess);
  ASSERT_EQ(cudaMallocHost(&pinned, 64), cudaSuccess);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, static_cast<char*>(device) + 63), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  EXPECT_EQ(attributes.device, 1);
  EXPECT_EQ(attributes.hostPointer, nullptr);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, block), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, pinned), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
  EXPECT_EQ(attributes.hostPointer, pinned);
  // "In CUDA 11.0 forward passing host pointer will return cudaMemoryTypeUnregistered … and call
  // will return cudaSuccess."
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, &local), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
  EXPECT_EQ(cudaPointerGetAttributes(nullptr, &local), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace cuda_simulator

#include <atomic>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class HostFunctions : public SimulatorTest {};

// "The function will be called after currently enqueued work and will block work added after it."
TEST_F(HostFunctions, StandInStreamOrderWithCopies) {
  const cudaStream_t stream = make_stream();
  int* pinned = nullptr;
  void* device = nullptr;
  ASSERT_EQ(cudaMallocHost(reinterpret_cast<void**>(&pinned), 2 * sizeof(int)), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&device, sizeof(int), stream), cudaSuccess);
  pinned[0] = 41;
  ASSERT_EQ(cudaMemcpyAsync(device, &pinned[0], 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(&pinned[1], device, 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  ASSERT_EQ(cudaLaunchHostFunc(
                stream, [](void* data) { ++static_cast<int*>(data)[1]; }, pinned),
            cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(device, &pinned[1], 4, cudaMemcpyHostToDevice, stream), cudaSuccess);
  int back = 0;
  ASSERT_EQ(cudaMemcpyAsync(&back, device, 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(back, 42);
}

// "The host function must not make any CUDA API calls. Attempting to use a CUDA API may result in
// cudaErrorNotPermitted"
TEST_F(HostFunctions, MayNotCallTheRuntime) {
  const cudaStream_t stream = make_stream();
  cudaError_t answer = cudaSuccess;
  ASSERT_EQ(
      cudaLaunchHostFunc(
          stream, [](void* data) { *static_cast<cudaError_t*>(data) = cudaDeviceSynchronize(); },
          &answer),
      cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(answer, cudaErrorNotPermitted);
}

// "Note that, in constrast to cuStreamAddCallback, the function will not be called in the event of
// an error in the CUDA context."
TEST_F(HostFunctions, AreNotRunOnceTheContextHasFailed) {
  const cudaStream_t stream = make_stream();
  const cudaStream_t drained = make_stream();
  std::atomic<bool> ran{false};
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaLaunchHostFunc(
                stream, [](void* data) { *static_cast<std::atomic<bool>*>(data) = true; }, &ran),
            cudaSuccess);
  inject("cudaStreamQuery=sticky:700");
  EXPECT_EQ(cudaStreamQuery(drained), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaLaunchHostFunc(
                stream, [](void*) {}, nullptr),
            cudaErrorIllegalAddress);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  EXPECT_FALSE(ran);
}

TEST_F(HostFunctions, AreNeeded) {
  EXPECT_EQ(cudaLaunchHostFunc(nullptr, nullptr, nullptr), cudaErrorInvalidValue);
  const cudaStream_t stream = make_stream();
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaLaunchHostFunc(
                stream, [](void*) {}, nullptr),
            cudaErrorInvalidResourceHandle);
}

}  // namespace
}  // namespace cuda_simulator

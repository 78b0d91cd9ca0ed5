// The per-thread default stream: "an implicit stream local to both the thread and the CUcontext,
// and which does not synchronize with other streams (just like explcitly created streams). The
// per-thread default stream is not a non-blocking stream and will synchronize with the legacy
// default stream if both are used in a program." (stream synchronization behavior)
#include <atomic>
#include <thread>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class DefaultStreams : public RuntimeTest {
 protected:
  static void set(void* data) { *static_cast<std::atomic<bool>*>(data) = true; }
};

// cudaStreamPerThread: "Stream handle that can be passed as a cudaStream_t to use an implicit
// stream with per-thread synchronization behavior."
TEST_F(DefaultStreams, OfAThreadRunsWork) {
  std::atomic<bool> ran{false};
  ASSERT_EQ(cudaLaunchHostFunc(cudaStreamPerThread, set, &ran), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
  EXPECT_TRUE(ran);
  EXPECT_EQ(cudaStreamQuery(cudaStreamPerThread), cudaSuccess);
}

// "local to … the thread" (stream synchronization behavior)
TEST_F(DefaultStreams, OfTwoThreadsAreTwo) {
  unsigned long long own = 0;
  unsigned long long other = 0;
  ASSERT_EQ(cudaStreamGetId(cudaStreamPerThread, &own), cudaSuccess);
  std::thread([&] { ASSERT_EQ(cudaStreamGetId(cudaStreamPerThread, &other), cudaSuccess); }).join();
  EXPECT_NE(own, other);
}

// "local to … the CUcontext" (stream synchronization behavior)
TEST_F(DefaultStreams, OfTwoDevicesAreTwo) {
  NEED_DEVICES(2);
  Gate gate;
  gate.hold(cudaStreamPerThread);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(cudaStreamPerThread), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(cudaStreamPerThread), cudaErrorNotReady);
}

// "does not synchronize with other streams" (stream synchronization behavior)
TEST_F(DefaultStreams, OfTwoThreadsDoNotWaitForOneAnother) {
  Gate gate;
  gate.hold(cudaStreamPerThread);
  std::thread([] {
    std::atomic<bool> ran{false};
    ASSERT_EQ(cudaLaunchHostFunc(cudaStreamPerThread, set, &ran), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
    EXPECT_TRUE(ran);
  }).join();
  EXPECT_EQ(cudaStreamQuery(cudaStreamPerThread), cudaErrorNotReady);
}

TEST_F(DefaultStreams, OfAThreadDoesNotWaitForBlockingStreams) {
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  Gate gate;
  gate.hold(blocking);
  std::atomic<bool> ran{false};
  ASSERT_EQ(cudaLaunchHostFunc(cudaStreamPerThread, set, &ran), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
  EXPECT_TRUE(ran);
}

// "will synchronize with the legacy default stream if both are used in a program" (stream
// synchronization behavior)
TEST_F(DefaultStreams, OfAThreadWaitsForLegacy) {
  Gate gate;
  gate.hold(cudaStreamLegacy);
  std::atomic<bool> ran{false};
  ASSERT_EQ(cudaLaunchHostFunc(cudaStreamPerThread, set, &ran), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(cudaStreamPerThread), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
  EXPECT_TRUE(ran);
}

TEST_F(DefaultStreams, LegacyWaitsForThatOfAThread) {
  Gate gate;
  gate.hold(cudaStreamPerThread);
  std::atomic<bool> ran{false};
  ASSERT_EQ(cudaLaunchHostFunc(cudaStreamLegacy, set, &ran), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(cudaStreamLegacy), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(cudaStreamLegacy), cudaSuccess);
  EXPECT_TRUE(ran);
}

// cudaStreamLegacy: "Stream handle that can be passed as a cudaStream_t to use an implicit stream
// with legacy synchronization behavior."
TEST_F(DefaultStreams, LegacyIsTheNullStreamOfTheseFunctions) {
  Gate gate;
  gate.hold(nullptr);
  EXPECT_EQ(cudaStreamQuery(cudaStreamLegacy), cudaErrorNotReady);
}

// "Blocks until the device has completed all preceding requested tasks."
TEST_F(DefaultStreams, OfAThreadIsWaitedForByDeviceSynchronize) {
  std::atomic<bool> ran{false};
  std::thread([&] {
    ASSERT_EQ(cudaLaunchHostFunc(cudaStreamPerThread, set, &ran), cudaSuccess);
  }).join();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_TRUE(ran) << "also where the thread has ended";
}

// cudaStreamPerThread: "Stream handle that can be passed as a cudaStream_t to use an implicit
// stream with per-thread synchronization behavior."
TEST_F(DefaultStreams, OfAThreadTakesEvents) {
  const cudaEvent_t event = make_event();
  Gate gate;
  gate.hold(cudaStreamPerThread);
  ASSERT_EQ(cudaEventRecord(event, cudaStreamPerThread), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
}

// cudaStreamPerThread: "Stream handle that can be passed as a cudaStream_t to use an implicit
// stream with per-thread synchronization behavior."
TEST_F(DefaultStreams, OfAThreadTakesAllocationsAndCopies) {
  void* pointer = nullptr;
  int value = 7;
  int back = 0;
  ASSERT_EQ(cudaMallocAsync(&pointer, sizeof(int), cudaStreamPerThread), cudaSuccess);
  ASSERT_EQ(
      cudaMemcpyAsync(pointer, &value, sizeof(int), cudaMemcpyHostToDevice, cudaStreamPerThread),
      cudaSuccess);
  ASSERT_EQ(
      cudaMemcpyAsync(&back, pointer, sizeof(int), cudaMemcpyDeviceToHost, cudaStreamPerThread),
      cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
  EXPECT_EQ(back, 7);
  EXPECT_EQ(cudaFreeAsync(pointer, cudaStreamPerThread), cudaSuccess);
}

TEST_F(DefaultStreams, AreNotDestroyed) {
  EXPECT_NE(cudaStreamDestroy(cudaStreamLegacy), cudaSuccess);
  EXPECT_NE(cudaStreamDestroy(cudaStreamPerThread), cudaSuccess);
}

// cudaDeviceReset: "Any subsequent API call to this device will reinitialize the device."
TEST_F(DefaultStreams, AreNewAfterADeviceReset) {
  ASSERT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  std::atomic<bool> ran{false};
  ASSERT_EQ(cudaLaunchHostFunc(cudaStreamPerThread, set, &ran), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace cuda_simulator

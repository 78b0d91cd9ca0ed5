// cudaStreamAddCallback.
#include <atomic>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class Callbacks : public RuntimeTest {
 protected:
  struct Seen {
    std::atomic<int> times{0};
    cudaError_t status = cudaErrorUnknown;
    cudaStream_t stream = nullptr;
    cudaError_t call = cudaSuccess;
  };
  static void see(cudaStream_t stream, cudaError_t status, void* data) {
    auto* seen = static_cast<Seen*>(data);
    seen->status = status;
    seen->stream = stream;
    ++seen->times;
  }
};

// "For each cudaStreamAddCallback call, a callback will be executed exactly once." "The callback
// may be passed cudaSuccess or an error code."
TEST_F(Callbacks, AreCalledOnceWithTheirStreamAndSuccess) {
  const cudaStream_t stream = make_stream();
  Seen seen;
  ASSERT_EQ(cudaStreamAddCallback(stream, see, &seen, 0), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(seen.times, 1);
  EXPECT_EQ(seen.status, cudaSuccess);
  EXPECT_EQ(seen.stream, stream);
}

// "Adds a callback to be called on the host after all currently enqueued items in the stream have
// completed."
TEST_F(Callbacks, AreCalledAfterEarlierWork) {
  const cudaStream_t stream = make_stream();
  Seen seen;
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaStreamAddCallback(stream, see, &seen, 0), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  EXPECT_EQ(seen.times, 0);
  gate.open();
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(seen.times, 1);
}

// "The callback will block later work in the stream until it is finished."
TEST_F(Callbacks, BlockLaterWork) {
  const cudaStream_t stream = make_stream();
  std::promise<void> opened;
  std::promise<void> arrived;
  struct Promises {
    std::promise<void>* arrived;
    std::shared_future<void> opened;
  } promises{&arrived, opened.get_future().share()};
  ASSERT_EQ(cudaStreamAddCallback(
                stream,
                [](cudaStream_t, cudaError_t, void* data) {
                  auto* both = static_cast<Promises*>(data);
                  both->arrived->set_value();
                  both->opened.wait();
                },
                &promises, 0),
            cudaSuccess);
  Seen seen;
  ASSERT_EQ(cudaStreamAddCallback(stream, see, &seen, 0), cudaSuccess);
  ASSERT_EQ(arrived.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(seen.times, 0);
  opened.set_value();
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(seen.times, 1);
}

// "Callbacks must not make any CUDA API calls. Attempting to use CUDA APIs may result in
// cudaErrorNotPermitted."
TEST_F(Callbacks, MayNotCallTheRuntime) {
  const cudaStream_t stream = make_stream();
  Seen seen;
  ASSERT_EQ(cudaStreamAddCallback(
                stream,
                [](cudaStream_t, cudaError_t, void* data) {
                  void* pointer = nullptr;
                  static_cast<Seen*>(data)->call = cudaMalloc(&pointer, 1);
                },
                &seen, 0),
            cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(seen.call, cudaErrorNotPermitted);
}

// flags: "Reserved for future use, must be 0"
TEST_F(Callbacks, NeedAFunctionAndNoFlags) {
  Seen seen;
  EXPECT_EQ(cudaStreamAddCallback(make_stream(), nullptr, &seen, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamAddCallback(make_stream(), see, &seen, 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(seen.times, 0);
}

TEST_F(Callbacks, MayStandInADefaultStream) {
  Seen seen;
  ASSERT_EQ(cudaStreamAddCallback(nullptr, see, &seen, 0), cudaSuccess);
  ASSERT_EQ(cudaStreamAddCallback(cudaStreamPerThread, see, &seen, 0), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(seen.times, 2);
}

TEST_F(Callbacks, AreCalledThoughTheirStreamIsDestroyed) {
  const cudaStream_t stream = make_stream();
  Seen seen;
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaStreamAddCallback(stream, see, &seen, 0), cudaSuccess);
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  gate.open();
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(seen.times, 1);
}

}  // namespace
}  // namespace cuda_simulator

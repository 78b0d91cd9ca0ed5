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

  void SetUp() override {
    RuntimeTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) stream_ = make_stream();
  }
  static void add(cudaStream_t stream, cudaStreamCallback_t callback, void* data) {
    ASSERT_EQ(cudaStreamAddCallback(stream, callback, data, 0), cudaSuccess);
  }

  cudaStream_t stream_ = nullptr;
  Seen seen_;
  Gate gate_;
};

// "For each cudaStreamAddCallback call, a callback will be executed exactly once." "The callback
// may be passed cudaSuccess or an error code."
TEST_F(Callbacks, AreCalledOnceWithTheirStreamAndSuccess) {
  add(stream_, see, &seen_);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(seen_.times, 1);
  EXPECT_EQ(seen_.status, cudaSuccess);
  EXPECT_EQ(seen_.stream, stream_);
}

// "Adds a callback to be called on the host after all currently enqueued items in the stream have
// completed."
TEST_F(Callbacks, AreCalledAfterEarlierWork) {
  gate_.hold(stream_);
  add(stream_, see, &seen_);
  EXPECT_EQ(cudaStreamQuery(stream_), cudaErrorNotReady);
  EXPECT_EQ(seen_.times, 0);
  gate_.open();
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(seen_.times, 1);
}

// "The callback will block later work in the stream until it is finished."
TEST_F(Callbacks, BlockLaterWork) {
  std::promise<void> opened;
  std::promise<void> arrived;
  struct Promises {
    std::promise<void>* arrived;
    std::shared_future<void> opened;
  } promises{&arrived, opened.get_future().share()};
  add(
      stream_,
      [](cudaStream_t, cudaError_t, void* data) {
        auto* both = static_cast<Promises*>(data);
        both->arrived->set_value();
        both->opened.wait();
      },
      &promises);
  add(stream_, see, &seen_);
  ASSERT_EQ(arrived.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(seen_.times, 0);
  opened.set_value();
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(seen_.times, 1);
}

// "Callbacks must not make any CUDA API calls. Attempting to use CUDA APIs may result in
// cudaErrorNotPermitted."
TEST_F(Callbacks, MayNotCallTheRuntime) {
  add(
      stream_,
      [](cudaStream_t, cudaError_t, void* data) {
        void* pointer = nullptr;
        static_cast<Seen*>(data)->call = cudaMalloc(&pointer, 1);
      },
      &seen_);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(seen_.call, cudaErrorNotPermitted);
}

// flags: "Reserved for future use, must be 0"
TEST_F(Callbacks, NeedAFunctionAndNoFlags) {
  EXPECT_EQ(cudaStreamAddCallback(make_stream(), nullptr, &seen_, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamAddCallback(make_stream(), see, &seen_, 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(seen_.times, 0);
}

// "The stream as passed to cudaStreamAddCallback, may be NULL."
TEST_F(Callbacks, MayStandInADefaultStream) {
  add(nullptr, see, &seen_);
  add(cudaStreamPerThread, see, &seen_);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(seen_.times, 2);
}

// "the resources associated with stream will be released automatically once the device has
// completed all work in stream"
TEST_F(Callbacks, AreCalledThoughTheirStreamIsDestroyed) {
  gate_.hold(stream_);
  add(stream_, see, &seen_);
  ASSERT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
  gate_.open();
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(seen_.times, 1);
}

}  // namespace
}  // namespace cuda_simulator

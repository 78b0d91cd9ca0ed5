// What the suites of the runtime share, be it the simulated one or NVIDIA's:
// SIMULATOR_TESTS_ON=cuda. Each test begins with a device that was not used before.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <vector>

#ifndef SIMULATOR_TESTS_ON_CUDA
#include "simulator/control.h"
#endif

namespace cuda_simulator {
#ifdef CUDA_API_PER_THREAD_DEFAULT_STREAM
inline namespace per_thread {  // the same text calls other functions there
#endif

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::chrono::seconds kPatience{20};  // a bound for what must happen, never an order

// Holds the stream it is enqueued in until open(). Opens itself at its end, so that a failed
// assertion does not leave a stream blocked; the streams' work outlives the test only finished.
class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { open(); }

  // Returns when the stream has arrived at the gate, if `arrived`.
  void hold(cudaStream_t stream, bool arrive = true) {
    auto* copy = new std::shared_ptr<State>(state_);
    ASSERT_EQ(cudaLaunchHostFunc(stream, &pass, copy), cudaSuccess);
    if (arrive) {
      ASSERT_EQ(state_->arrived.get_future().wait_for(kPatience), std::future_status::ready);
    }
  }
  void open() {
    if (!opened_) state_->opened.set_value();
    opened_ = true;
  }

 private:
  struct State {
    std::promise<void> arrived;
    std::promise<void> opened;
  };
  static void pass(void* data) {
    const std::unique_ptr<std::shared_ptr<State>> state(static_cast<std::shared_ptr<State>*>(data));
    (*state)->arrived.set_value();
    (*state)->opened.get_future().wait();
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
  bool opened_ = false;
};

// Ends the test where there are fewer devices.
#define NEED_DEVICES(count)                                                 \
  do {                                                                      \
    int found = 0;                                                          \
    static_cast<void>(cudaGetDeviceCount(&found));                          \
    if (found < (count)) GTEST_SKIP() << "needs " << (count) << " devices"; \
  } while (false)

class RuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
#ifdef SIMULATOR_TESTS_ON_CUDA
    int found = 0;
    const cudaError_t error = cudaGetDeviceCount(&found);
    if (error != cudaSuccess || found == 0) {
      GTEST_SKIP() << "no CUDA device: " << cudaGetErrorString(error);
    }
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
    ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
    static_cast<void>(cudaGetLastError());
#else
    reset({.devices = 2});
#endif
  }

  static cudaStream_t make_stream(unsigned int flags = cudaStreamNonBlocking) {
    cudaStream_t stream = nullptr;
    EXPECT_EQ(cudaStreamCreateWithFlags(&stream, flags), cudaSuccess);
    return stream;
  }
  static cudaEvent_t make_event() {
    cudaEvent_t event = nullptr;
    EXPECT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    return event;
  }
  static cudaMemPool_t make_pool(int device = 0, std::size_t max_size = 0,
                                 std::uint64_t threshold = UINT64_MAX) {
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location = {cudaMemLocationTypeDevice, device};
    properties.maxSize = max_size;
    cudaMemPool_t pool = nullptr;
    EXPECT_EQ(cudaMemPoolCreate(&pool, &properties), cudaSuccess);
    EXPECT_EQ(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold),
              cudaSuccess);
    return pool;
  }
  static void* allocate(std::size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
    void* pointer = nullptr;
    EXPECT_EQ(cudaMallocFromPoolAsync(&pointer, bytes, pool, stream), cudaSuccess);
    return pointer;
  }
  static std::uint64_t attribute(cudaMemPool_t pool, cudaMemPoolAttr which) {
    std::uint64_t value = 0;
    EXPECT_EQ(cudaMemPoolGetAttribute(pool, which, &value), cudaSuccess);
    return value;
  }
  static std::uint64_t reserved(cudaMemPool_t pool) {
    return attribute(pool, cudaMemPoolAttrReservedMemCurrent);
  }
  static std::uint64_t used(cudaMemPool_t pool) {
    return attribute(pool, cudaMemPoolAttrUsedMemCurrent);
  }
};

#ifdef CUDA_API_PER_THREAD_DEFAULT_STREAM
}  // namespace per_thread
#endif
}  // namespace cuda_simulator

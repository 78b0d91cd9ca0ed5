// A fresh simulated world for each test, and gates that hold a stream where a test wants it.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <vector>

#include "simulator/control.h"

namespace cuda_simulator {

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

class SimulatorTest : public testing::Test {
 protected:
  SimulatorTest() { begin({}); }
  ~SimulatorTest() override { release_hangs(); }

  static void begin(const Settings& settings) { reset(settings); }

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

}  // namespace cuda_simulator

// What can be known of a device's memory, and what is given back.
#include "core/memory.h"

#include "fixture.h"

namespace cuda_shutdown {
namespace {

class MemoryTest : public CoreTest {
 protected:
  void release(const std::shared_ptr<Model>& model) {
    Release all(model);
    EXPECT_EQ(all.settled().settlement.outcome, Outcome::done);
  }
  std::uint64_t empty() {
    return on_device(device(), [this] { return empty_cache(device()); });
  }
  // Something of another library in the process: a block in the device's default pool, freed.
  void leave_something_in_the_default_pool() {
    on_device(device(), [] {
      cudaMemPool_t shared = nullptr;
      auto threshold = UINT64_MAX;
      void* pointer = nullptr;
      ASSERT_EQ(cudaDeviceGetDefaultMemPool(&shared, 0), cudaSuccess);
      ASSERT_EQ(cudaMemPoolSetAttribute(shared, cudaMemPoolAttrReleaseThreshold, &threshold),
                cudaSuccess);
      ASSERT_EQ(cudaMallocAsync(&pointer, MiB, nullptr), cudaSuccess);
      ASSERT_EQ(cudaFreeAsync(pointer, nullptr), cudaSuccess);
      ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    });
  }
  static std::uint64_t reserved() { return cuda_simulator::ledger(0).reserved_bytes; }
};

TEST_F(MemoryTest, IsAllZerosBeforeTheFirstUse) {
  const auto stats = memory_stats(device());
  EXPECT_EQ(stats.allocated.current + stats.allocated.peak, 0U);
  EXPECT_EQ(stats.reserved.current + stats.reserved.peak, 0U);
  EXPECT_EQ(stats.requests.blocks.allocated, 0U);
  reset_peak_memory_stats(device());
  EXPECT_EQ(cuda_simulator::ledger(0).context_active, 0U);
}

TEST_F(MemoryTest, CountsThePoolAndTheRequests) {
  const auto first = model_of(3, 1000);
  const auto second = model_of(2, MiB);
  release(second);
  const auto stats = memory_stats(device());
  EXPECT_GE(stats.allocated.current, 3000U);
  EXPECT_LT(stats.allocated.current, MiB);
  EXPECT_GE(stats.allocated.peak, 3000 + 2 * MiB);
  EXPECT_EQ(stats.reserved.current, reserved());
  EXPECT_GE(stats.reserved.peak, stats.allocated.peak);
  EXPECT_EQ(stats.requests.blocks.current, 3U);
  EXPECT_EQ(stats.requests.blocks.peak, 5U);
  EXPECT_EQ(stats.requests.blocks.allocated, 5U);
  EXPECT_EQ(stats.requests.blocks.freed, 2U);
  EXPECT_EQ(stats.requests.bytes.current, 3000U);
  EXPECT_EQ(stats.requests.bytes.peak, 3000 + 2 * MiB);
  release(first);
}

TEST_F(MemoryTest, ResetsPeaksToWhatIs) {
  const auto kept = model_of(1, KiB);
  release(model_of(1, 8 * MiB));
  reset_peak_memory_stats(device());
  const auto stats = memory_stats(device());
  EXPECT_EQ(stats.allocated.peak, stats.allocated.current);
  EXPECT_EQ(stats.reserved.peak, stats.reserved.current);
  EXPECT_EQ(stats.requests.bytes.peak, KiB);
  EXPECT_EQ(stats.requests.bytes.allocated, KiB + 8 * MiB) << "a sum, not a peak";
  device().requests().reset_accumulated();
  EXPECT_EQ(memory_stats(device()).requests.bytes.allocated, 0U);
  EXPECT_EQ(memory_stats(device()).requests.bytes.current, KiB);
  release(kept);
}

TEST_F(MemoryTest, AsksNothingOfALostDevice) {
  const auto model = model_of(3, KiB);
  on_device(device(), [this] {
    EXPECT_THROW(device().context().check(cudaErrorLaunchFailure, "cudaFree"), CudaException);
  });
  const auto calls = cuda_calls();
  const auto stats = memory_stats(device());
  reset_peak_memory_stats(device());
  EXPECT_EQ(cuda_calls(), calls);
  EXPECT_EQ(stats.allocated.current, 0U);
  EXPECT_EQ(stats.requests.bytes.current, 3 * KiB) << "what is ours is still known";
}

TEST_F(MemoryTest, AsksNothingWhileAThreadIsStuck) {
  const auto model = model_of(3, KiB);
  cuda_simulator::inject("cudaFreeAsync#1=hang");
  Release hung(model);
  expect_call_after("cudaFreeAsync", 0);
  hung.cancel();
  EXPECT_EQ(hung.settled().settlement.outcome, Outcome::stuck);
  const auto calls = cuda_calls();
  EXPECT_EQ(memory_stats(device()).allocated.current, 0U);
  reset_peak_memory_stats(device());
  EXPECT_EQ(cuda_calls(), calls);
  cuda_simulator::release_hangs();
  hung.expect_return();
  EXPECT_TRUE(becomes_true([this] { return device().lane().left_behind() == 0; }));
  EXPECT_GT(memory_stats(device()).allocated.current, 0U);
  release(model);
}

TEST_F(MemoryTest, IsReadWhileAnotherReadingHangs) {
  const auto model = model_of(2, MiB);
  const auto before = cuda_simulator::calls("cudaMemPoolGetAttribute");
  cuda_simulator::inject("cudaMemPoolGetAttribute#1=hang");
  Callbacks hangs;
  device().submit_reading(
      [this](const Limits&) {
        static_cast<void>(read_memory(device()));
        return Outcome::done;
      },
      hangs.on_settled(), no_deadline);
  expect_call_after("cudaMemPoolGetAttribute", before);
  EXPECT_EQ(on_device(device(), [this] { return read_memory(device()); }).allocated, 2 * MiB);
  release(model);
  cuda_simulator::release_hangs();
  EXPECT_EQ(hangs.settled().outcome, Outcome::done);
}

TEST_F(MemoryTest, IsReadWithTheDevice) {
  const auto model = model_of(2, MiB);
  const auto reading = on_device(device(), [this] { return read_memory(device()); });
  EXPECT_EQ(reading.total, device().properties().total_memory);
  EXPECT_EQ(reading.free, reading.total - reserved());
  EXPECT_EQ(reading.allocated, 2 * MiB);
  EXPECT_EQ(reading.reserved, reserved());
  release(model);
}

class EmptyCacheTest : public MemoryTest {};

TEST_F(EmptyCacheTest, GivesBackWhatIsNotUsed) {
  const auto kept = model_of(1, KiB);
  release(model_of(1, 64 * MiB));
  const auto before = reserved();
  const auto released = empty();
  EXPECT_GE(released, 64 * MiB);
  EXPECT_EQ(released, before - reserved());
  EXPECT_GT(reserved(), 0U) << "what is used stays";
  release(kept);
  EXPECT_GT(empty(), 0U);
  EXPECT_EQ(reserved(), 0U);
  EXPECT_EQ(empty(), 0U);
}

TEST_F(EmptyCacheTest, EmptiesTheDefaultPoolToo) {
  leave_something_in_the_default_pool();
  EXPECT_GT(reserved(), 0U);
  EXPECT_GE(empty(), MiB) << "without a pool of our own";
  EXPECT_EQ(reserved(), 0U);
  EXPECT_EQ(device().existing_pool(), nullptr) << "and makes none";
  EXPECT_EQ(cuda_simulator::calls("cudaDeviceGraphMemTrim"), 1U);
}

TEST_F(EmptyCacheTest, TriesEveryPartWhenOneFails) {
  struct Case {
    const char* fault;
    const char* call;
  };
  for (const Case& each :
       {Case{"cudaMemPoolTrimTo#1=error:1", "cudaMemPoolTrimTo"},
        Case{"cudaMemPoolTrimTo#2=error:1", "cudaMemPoolTrimTo"},
        Case{"cudaDeviceGetDefaultMemPool#1=error:1", "cudaDeviceGetDefaultMemPool"},
        Case{"cudaDeviceGraphMemTrim#1=error:1", "cudaDeviceGraphMemTrim"},
        Case{"cudaDeviceGetGraphMemAttribute#1=error:1", "cudaDeviceGetGraphMemAttribute"}}) {
    begin({});
    leave_something_in_the_default_pool();
    release(model_of(1, MiB));
    const auto before = reserved();
    cuda_simulator::inject(each.fault);
    try {
      empty();
      ADD_FAILURE() << "nothing thrown by " << each.fault;
    } catch (const CudaException& exception) {
      EXPECT_STREQ(exception.failure().call, each.call);
    }
    const bool of_a_pool = std::string(each.call).find("MemPool") != std::string::npos;
    if (of_a_pool) {
      EXPECT_GT(reserved(), 0U) << each.fault;
      EXPECT_LT(reserved(), before) << each.fault;
    } else {
      EXPECT_EQ(reserved(), 0U) << each.fault;
    }
    EXPECT_NO_THROW(empty());
    EXPECT_EQ(reserved(), 0U) << each.fault;
  }
}

TEST_F(EmptyCacheTest, StopsAtALoss) {
  release(model_of(1, MiB));
  cuda_simulator::inject("cudaMemPoolTrimTo#1=sticky:719");
  EXPECT_THROW(empty(), CudaException);
  EXPECT_TRUE(device().context().lost());
  EXPECT_EQ(cuda_simulator::calls("cudaMemPoolTrimTo"), 1U);
  EXPECT_EQ(cuda_simulator::calls("cudaDeviceGraphMemTrim"), 0U);
}

TEST_F(EmptyCacheTest, DoesNothingWithoutPools) {
  begin({.memory_pools = false});
  release(model_of(1, MiB));
  EXPECT_EQ(empty(), 0U);
  EXPECT_EQ(cuda_simulator::calls("cudaMemPoolTrimTo"), 0U);
}

TEST_F(EmptyCacheTest, MakesNoContext) {
  EXPECT_EQ(empty(), 0U);
  EXPECT_EQ(cuda_simulator::ledger(0).context_active, 0U);
}

class SynchronizeTest : public MemoryTest {
 protected:
  JobHandle submit(const Callbacks& callbacks) {
    return device().submit([this](const Limits& limits) { return synchronize(device(), limits); },
                           callbacks.on_settled(), callbacks.on_returned());
  }
};

TEST_F(SynchronizeTest, MakesNoContext) {
  Callbacks callbacks;
  submit(callbacks);
  EXPECT_EQ(callbacks.settled().outcome, Outcome::done);
  EXPECT_EQ(cuda_simulator::ledger(0).context_active, 0U);
}

TEST_F(SynchronizeTest, WaitsForStreamsOfBothKinds) {
  for (const unsigned int kind : {cudaStreamDefault, cudaStreamNonBlocking}) {
    begin({});
    cudaStream_t stream = nullptr;
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream, kind), cudaSuccess);
    Gate stall;
    stall.hold(stream);
    Callbacks callbacks;
    submit(callbacks);
    const char* const waits =
        kind == cudaStreamDefault ? "cudaEventQuery" : "cudaDeviceSynchronize";
    expect_call_after(waits, 0);
    EXPECT_FALSE(callbacks.is_settled());
    stall.open();
    EXPECT_EQ(callbacks.settled().outcome, Outcome::done);
    EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
    EXPECT_EQ(cuda_simulator::calls("cudaDeviceSynchronize"), 1U);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  }
}

TEST_F(SynchronizeTest, IsInterruptedBehindAStreamThatItCanPoll) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  Gate stall;
  stall.hold(stream);
  Callbacks callbacks;
  const auto job = submit(callbacks);
  expect_call_after("cudaEventQuery", 100);
  job.cancel();
  const auto outcome = callbacks.settled().outcome;
  EXPECT_TRUE(ended_early(outcome));
  if (outcome == Outcome::stuck) callbacks.expect_return();
  EXPECT_EQ(cuda_simulator::calls("cudaDeviceSynchronize"), 0U);
  EXPECT_EQ(cuda_simulator::ledger(0).live_events, 0U);
  EXPECT_EQ(device().lane().replacements(), outcome == Outcome::stuck ? 1U : 0U);
}

TEST_F(SynchronizeTest, IsStuckBehindAStreamThatOnlyTheDeviceKnows) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  Gate stall;
  stall.hold(stream);
  Callbacks callbacks;
  const auto job = submit(callbacks);
  expect_call_after("cudaDeviceSynchronize", 0);
  job.cancel();
  EXPECT_EQ(callbacks.settled().outcome, Outcome::stuck);
  stall.open();
  callbacks.expect_return();
}

TEST_F(SynchronizeTest, TellsALoss) {
  const auto model = model_of(1, KiB);
  cuda_simulator::inject("cudaDeviceSynchronize=sticky:700");
  Callbacks callbacks;
  submit(callbacks);
  EXPECT_EQ(failure_of(callbacks.settled().error).code, cudaErrorIllegalAddress);
  EXPECT_TRUE(device().context().lost());
}

class ProcessMemoryTest : public MemoryTest {};

TEST_F(ProcessMemoryTest, IsUnknownWithoutAContextAndMakesNone) {
  EXPECT_FALSE(on_device(device(), [this] { return process_memory(device(), false); }));
  EXPECT_EQ(cuda_simulator::ledger(0).context_active, 0U);
}

TEST_F(ProcessMemoryTest, IsWhatIsLessFreeThanAtFirst) {
  const auto model = model_of(4, MiB);
  const auto held = on_device(device(), [this] { return process_memory(device(), false); });
  ASSERT_TRUE(held);
  EXPECT_FALSE(held->from_nvml);
  EXPECT_EQ(held->bytes, reserved());
  release(model);
}

}  // namespace
}  // namespace cuda_shutdown

// Which memory cudaMallocAsync may reuse: the CUDA programming guide, "Stream Ordered Memory
// Allocator", and cudaMemPoolSetAttribute. Sameness of addresses is what is looked at.
#include <atomic>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class PoolReuse : public RuntimeTest {
 protected:
  static constexpr std::size_t kBytes = 32 * kMiB;

  void SetUp() override {
    RuntimeTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) make();
  }
  void make() {
    pool_ = make_pool();
    first_ = make_stream();
    second_ = make_stream();
  }
  // A block whose free the stream has not reached.
  void* pending_in(cudaStream_t stream) {
    void* pointer = allocate(kBytes, pool_, stream);
    gate_.hold(stream);
    EXPECT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
    return pointer;
  }
  // A block whose free the stream has reached, which the host has not synchronised with.
  static void* reached_in(cudaStream_t stream, cudaMemPool_t pool) {
    void* pointer = allocate(kBytes, pool, stream);
    std::atomic<bool> reached{false};
    EXPECT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
    EXPECT_EQ(
        cudaLaunchHostFunc(
            stream, [](void* data) { *static_cast<std::atomic<bool>*>(data) = true; }, &reached),
        cudaSuccess);
    while (!reached) {
    }
    return pointer;
  }

  static void set(cudaMemPool_t pool, cudaMemPoolAttr which, int value) {
    ASSERT_EQ(cudaMemPoolSetAttribute(pool, which, &value), cudaSuccess);
  }
  static int get(cudaMemPool_t pool, cudaMemPoolAttr which) {
    int value = -1;
    EXPECT_EQ(cudaMemPoolGetAttribute(pool, which, &value), cudaSuccess);
    return value;
  }
  // `after` is ordered behind what `before` was given so far.
  static void order(cudaStream_t before, cudaStream_t after) {
    const cudaEvent_t event = make_event();
    ASSERT_EQ(cudaEventRecord(event, before), cudaSuccess);
    ASSERT_EQ(cudaStreamWaitEvent(after, event, 0), cudaSuccess);
    ASSERT_EQ(cudaEventDestroy(event), cudaSuccess);
  }

  cudaMemPool_t pool_ = nullptr;
  cudaStream_t first_ = nullptr;
  cudaStream_t second_ = nullptr;
  Gate gate_;
};

// "(default enabled)", each of the three.
TEST_F(PoolReuse, IsAllowedInEveryWayByDefault) {
  EXPECT_EQ(get(pool_, cudaMemPoolReuseFollowEventDependencies), 1);
  EXPECT_EQ(get(pool_, cudaMemPoolReuseAllowOpportunistic), 1);
  EXPECT_EQ(get(pool_, cudaMemPoolReuseAllowInternalDependencies), 1);
}

TEST_F(PoolReuse, IsForbiddenAndAllowedAgain) {
  for (const auto which :
       {cudaMemPoolReuseFollowEventDependencies, cudaMemPoolReuseAllowOpportunistic,
        cudaMemPoolReuseAllowInternalDependencies}) {
    set(pool_, which, 0);
    EXPECT_EQ(get(pool_, which), 0);
    set(pool_, which, 1);
    EXPECT_EQ(get(pool_, which), 1);
  }
}

// "Allow cudaMallocAsync to use memory asynchronously freed in another stream as long as a stream
// ordering dependency of the allocating stream on the free action exists."
TEST_F(PoolReuse, FollowsEvents) {
  void* pointer = pending_in(first_);
  order(first_, second_);
  EXPECT_EQ(allocate(kBytes, pool_, second_), pointer);
}

// "as long as a stream ordering dependency of the allocating stream on the free action exists"
TEST_F(PoolReuse, FollowsEventsThroughAThirdStream) {
  const cudaStream_t third = make_stream();
  void* pointer = pending_in(first_);
  order(first_, second_);
  order(second_, third);
  EXPECT_EQ(allocate(kBytes, pool_, third), pointer);
}

// "as long as a stream ordering dependency of the allocating stream on the free action exists"
TEST_F(PoolReuse, DoesNotFollowAnEventOfBeforeTheFree) {
  set(pool_, cudaMemPoolReuseAllowInternalDependencies, 0);
  void* pointer = allocate(kBytes, pool_, first_);
  gate_.hold(first_);
  order(first_, second_);
  ASSERT_EQ(cudaFreeAsync(pointer, first_), cudaSuccess);
  EXPECT_NE(allocate(kBytes, pool_, second_), pointer);
}

TEST_F(PoolReuse, DoesNotFollowEventsWhereThatIsForbidden) {
  set(pool_, cudaMemPoolReuseFollowEventDependencies, 0);
  set(pool_, cudaMemPoolReuseAllowInternalDependencies, 0);
  void* pointer = pending_in(first_);
  order(first_, second_);
  EXPECT_NE(allocate(kBytes, pool_, second_), pointer);
}

// "Cuda events and null stream interactions can create the required stream ordered dependencies."
TEST_F(PoolReuse, FollowsTheNullStream) {
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  void* pointer = pending_in(blocking);
  EXPECT_EQ(allocate(kBytes, pool_, nullptr), pointer);
}

// "Cuda events and null stream interactions can create the required stream ordered dependencies."
TEST_F(PoolReuse, FollowsTheNullStreamIntoABlockingOne) {
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  void* pointer = pending_in(nullptr);
  EXPECT_EQ(allocate(kBytes, pool_, blocking), pointer);
}

// "the created stream should perform no implicit synchronization with stream 0"
TEST_F(PoolReuse, DoesNotFollowTheNullStreamIntoANonBlockingOne) {
  set(pool_, cudaMemPoolReuseAllowInternalDependencies, 0);
  void* pointer = pending_in(nullptr);
  EXPECT_NE(allocate(kBytes, pool_, make_stream()), pointer);
}

// What was taken by way of an event stands in order: the first stream's work on it comes first.
// "The allocator is free to reallocate the memory as long as it can guarantee that compliant memory
// accesses will not overlap temporally."
TEST_F(PoolReuse, KeepsTheOrderOfWork) {
  void* pointer = allocate(kBytes, pool_, first_);
  gate_.hold(first_);
  ASSERT_EQ(cudaMemsetAsync(pointer, 1, kMiB, first_), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(pointer, first_), cudaSuccess);
  order(first_, second_);
  void* again = allocate(kBytes, pool_, second_);
  ASSERT_EQ(again, pointer);
  ASSERT_EQ(cudaMemsetAsync(again, 2, kMiB, second_), cudaSuccess);
  gate_.open();
  char back = 0;
  ASSERT_EQ(cudaMemcpyAsync(&back, again, 1, cudaMemcpyDeviceToHost, second_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(second_), cudaSuccess);
  EXPECT_EQ(back, 2);
  EXPECT_EQ(cudaFreeAsync(again, second_), cudaSuccess);
}

// cudaMemPoolReuseAllowOpportunistic: "Allow reuse of already completed frees when there is no
// dependency between the free and allocation."
TEST_F(PoolReuse, IsOpportunistic) {
  void* pointer = reached_in(first_, pool_);
  EXPECT_EQ(allocate(kBytes, pool_, make_stream()), pointer);
}

// "When this is disabled, the allocator will still reuse memory made available when a stream is
// synchronized with the CPU." (programming guide)
TEST_F(PoolReuse, IsNotOpportunisticWhereThatIsForbidden) {
  set(pool_, cudaMemPoolReuseAllowOpportunistic, 0);
  set(pool_, cudaMemPoolReuseAllowInternalDependencies, 0);
  void* pointer = reached_in(first_, pool_);
  EXPECT_NE(allocate(kBytes, pool_, make_stream()), pointer);
  ASSERT_EQ(cudaStreamSynchronize(first_), cudaSuccess);
  EXPECT_EQ(allocate(kBytes, pool_, make_stream()), pointer);
}

// "The allocator may refer to internal stream ordering as well as inter-stream dependencies"
TEST_F(PoolReuse, ByTheSameStreamNeedsNoLeave) {
  for (const auto which :
       {cudaMemPoolReuseFollowEventDependencies, cudaMemPoolReuseAllowOpportunistic,
        cudaMemPoolReuseAllowInternalDependencies}) {
    set(pool_, which, 0);
  }
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(kBytes, pool_, stream);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  EXPECT_EQ(allocate(kBytes, pool_, stream), pointer);
}

// "Allow reuse of already completed frees when there is no dependency between the free and
// allocation."
TEST_F(PoolReuse, FollowsEventsThoughItIsNotOpportunistic) {
  set(pool_, cudaMemPoolReuseAllowOpportunistic, 0);
  void* pointer = allocate(kBytes, pool_, first_);
  ASSERT_EQ(cudaFreeAsync(pointer, first_), cudaSuccess);
  order(first_, second_);
  EXPECT_EQ(allocate(kBytes, pool_, second_), pointer);
}

// Two pools' memory is never one another's.
// "The allocation comes from the specified memory pool."
TEST_F(PoolReuse, IsOfOnePool) {
  const cudaMemPool_t other = make_pool();
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(kBytes, pool_, stream);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  EXPECT_NE(allocate(kBytes, other, stream), pointer);
}

#ifndef SIMULATOR_TESTS_ON_CUDA
// cudaMemPoolReuseAllowInternalDependencies: "Allow cudaMallocAsync to insert new stream
// dependencies in order to establish the stream ordering required to reuse a piece of memory
// released by cudaFreeAsync". By the programming guide it is what the driver does when it finds no
// more physical memory: the device is small here.
TEST_F(PoolReuse, WaitsForAPendingFreeWhereThereIsNoOtherMemory) {
  reset({.memory = 40 * kMiB});
  make();
  void* pointer = pending_in(first_);
  EXPECT_EQ(allocate(kBytes, pool_, second_), pointer);
  EXPECT_EQ(cudaStreamQuery(second_), cudaErrorNotReady) << "the dependency that was inserted";
  gate_.open();
  EXPECT_EQ(cudaStreamSynchronize(second_), cudaSuccess);
}

// "Allow cudaMallocAsync to insert new stream dependencies in order to establish the stream
// ordering required to reuse a piece of memory released by cudaFreeAsync"
TEST_F(PoolReuse, DoesNotWaitForAPendingFreeWhereThatIsForbidden) {
  reset({.memory = 40 * kMiB});
  make();
  set(pool_, cudaMemPoolReuseAllowInternalDependencies, 0);
  void* pointer = pending_in(first_);
  EXPECT_EQ(cudaMallocFromPoolAsync(&pointer, kBytes, pool_, make_stream()),
            cudaErrorMemoryAllocation);
}

// Several blocks at once, taken by way of events, by many rounds of two streams that alternate.
TEST_F(PoolReuse, KeepsItsCountsOverManyRounds) {
  const cudaStream_t streams[] = {first_, second_};
  std::vector<void*> blocks;
  for (int round = 0; round < 50; ++round) {
    const cudaStream_t stream = streams[round % 2];
    for (void* block : blocks)
      ASSERT_EQ(cudaFreeAsync(block, streams[(round + 1) % 2]), cudaSuccess);
    order(streams[(round + 1) % 2], stream);
    blocks.clear();
    for (int i = 1; i <= 8; ++i)
      blocks.push_back(allocate(static_cast<std::size_t>(i) * 1000, pool_, stream));
  }
  for (void* block : blocks) ASSERT_EQ(cudaFreeAsync(block, streams[1]), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(used(pool_), 0U);
  EXPECT_EQ(ledger(0).live_allocations, 0U);
  ASSERT_EQ(cudaMemPoolTrimTo(pool_, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool_), 0U);
}
#endif

}  // namespace
}  // namespace cuda_simulator

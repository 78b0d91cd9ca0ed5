// Which memory cudaMallocAsync may reuse: the CUDA programming guide, "Stream Ordered Memory
// Allocator", and cudaMemPoolSetAttribute. Sameness of addresses is what is looked at.
#include <atomic>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class PoolReuse : public RuntimeTest {
 protected:
  static constexpr std::size_t kBytes = 32 * kMiB;

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
};

// "(default enabled)", each of the three.
TEST_F(PoolReuse, IsAllowedInEveryWayByDefault) {
  const cudaMemPool_t pool = make_pool();
  EXPECT_EQ(get(pool, cudaMemPoolReuseFollowEventDependencies), 1);
  EXPECT_EQ(get(pool, cudaMemPoolReuseAllowOpportunistic), 1);
  EXPECT_EQ(get(pool, cudaMemPoolReuseAllowInternalDependencies), 1);
}

TEST_F(PoolReuse, IsForbiddenAndAllowedAgain) {
  const cudaMemPool_t pool = make_pool();
  for (const auto which :
       {cudaMemPoolReuseFollowEventDependencies, cudaMemPoolReuseAllowOpportunistic,
        cudaMemPoolReuseAllowInternalDependencies}) {
    set(pool, which, 0);
    EXPECT_EQ(get(pool, which), 0);
    set(pool, which, 1);
    EXPECT_EQ(get(pool, which), 1);
  }
}

// "Allow cudaMallocAsync to use memory asynchronously freed in another stream as long as a stream
// ordering dependency of the allocating stream on the free action exists."
TEST_F(PoolReuse, FollowsEvents) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t first = make_stream();
  const cudaStream_t second = make_stream();
  void* pointer = allocate(kBytes, pool, first);
  Gate gate;
  gate.hold(first);
  ASSERT_EQ(cudaFreeAsync(pointer, first), cudaSuccess);
  order(first, second);
  EXPECT_EQ(allocate(kBytes, pool, second), pointer);
}

TEST_F(PoolReuse, FollowsEventsThroughAThirdStream) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t first = make_stream();
  const cudaStream_t second = make_stream();
  const cudaStream_t third = make_stream();
  void* pointer = allocate(kBytes, pool, first);
  Gate gate;
  gate.hold(first);
  ASSERT_EQ(cudaFreeAsync(pointer, first), cudaSuccess);
  order(first, second);
  order(second, third);
  EXPECT_EQ(allocate(kBytes, pool, third), pointer);
}

TEST_F(PoolReuse, DoesNotFollowAnEventOfBeforeTheFree) {
  const cudaMemPool_t pool = make_pool();
  set(pool, cudaMemPoolReuseAllowInternalDependencies, 0);
  const cudaStream_t first = make_stream();
  const cudaStream_t second = make_stream();
  void* pointer = allocate(kBytes, pool, first);
  Gate gate;
  gate.hold(first);
  order(first, second);
  ASSERT_EQ(cudaFreeAsync(pointer, first), cudaSuccess);
  EXPECT_NE(allocate(kBytes, pool, second), pointer);
}

TEST_F(PoolReuse, DoesNotFollowEventsWhereThatIsForbidden) {
  const cudaMemPool_t pool = make_pool();
  set(pool, cudaMemPoolReuseFollowEventDependencies, 0);
  set(pool, cudaMemPoolReuseAllowInternalDependencies, 0);
  const cudaStream_t first = make_stream();
  const cudaStream_t second = make_stream();
  void* pointer = allocate(kBytes, pool, first);
  Gate gate;
  gate.hold(first);
  ASSERT_EQ(cudaFreeAsync(pointer, first), cudaSuccess);
  order(first, second);
  EXPECT_NE(allocate(kBytes, pool, second), pointer);
}

// "Cuda events and null stream interactions can create the required stream ordered dependencies."
TEST_F(PoolReuse, FollowsTheNullStream) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  void* pointer = allocate(kBytes, pool, blocking);
  Gate gate;
  gate.hold(blocking);
  ASSERT_EQ(cudaFreeAsync(pointer, blocking), cudaSuccess);
  EXPECT_EQ(allocate(kBytes, pool, nullptr), pointer);
}

TEST_F(PoolReuse, FollowsTheNullStreamIntoABlockingOne) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  void* pointer = allocate(kBytes, pool, nullptr);
  Gate gate;
  gate.hold(nullptr);
  ASSERT_EQ(cudaFreeAsync(pointer, nullptr), cudaSuccess);
  EXPECT_EQ(allocate(kBytes, pool, blocking), pointer);
}

TEST_F(PoolReuse, DoesNotFollowTheNullStreamIntoANonBlockingOne) {
  const cudaMemPool_t pool = make_pool();
  set(pool, cudaMemPoolReuseAllowInternalDependencies, 0);
  void* pointer = allocate(kBytes, pool, nullptr);
  Gate gate;
  gate.hold(nullptr);
  ASSERT_EQ(cudaFreeAsync(pointer, nullptr), cudaSuccess);
  EXPECT_NE(allocate(kBytes, pool, make_stream()), pointer);
}

// What was taken by way of an event stands in order: the first stream's work on it comes first.
TEST_F(PoolReuse, KeepsTheOrderOfWork) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t first = make_stream();
  const cudaStream_t second = make_stream();
  void* pointer = allocate(kBytes, pool, first);
  Gate gate;
  gate.hold(first);
  ASSERT_EQ(cudaMemsetAsync(pointer, 1, kMiB, first), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(pointer, first), cudaSuccess);
  order(first, second);
  void* again = allocate(kBytes, pool, second);
  ASSERT_EQ(again, pointer);
  ASSERT_EQ(cudaMemsetAsync(again, 2, kMiB, second), cudaSuccess);
  gate.open();
  char back = 0;
  ASSERT_EQ(cudaMemcpyAsync(&back, again, 1, cudaMemcpyDeviceToHost, second), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(second), cudaSuccess);
  EXPECT_EQ(back, 2);
  EXPECT_EQ(cudaFreeAsync(again, second), cudaSuccess);
}

// cudaMemPoolReuseAllowOpportunistic: "Allow reuse of already completed frees when there is no
// dependency between the free and allocation."
TEST_F(PoolReuse, IsOpportunistic) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t first = make_stream();
  void* pointer = allocate(kBytes, pool, first);
  std::atomic<bool> reached{false};
  ASSERT_EQ(cudaFreeAsync(pointer, first), cudaSuccess);
  ASSERT_EQ(cudaLaunchHostFunc(
                first, [](void* data) { *static_cast<std::atomic<bool>*>(data) = true; }, &reached),
            cudaSuccess);
  while (!reached) {
  }
  EXPECT_EQ(allocate(kBytes, pool, make_stream()), pointer);
}

// "When this is disabled, the allocator will still reuse memory made available when a stream is
// synchronized with the CPU." (programming guide)
TEST_F(PoolReuse, IsNotOpportunisticWhereThatIsForbidden) {
  const cudaMemPool_t pool = make_pool();
  set(pool, cudaMemPoolReuseAllowOpportunistic, 0);
  set(pool, cudaMemPoolReuseAllowInternalDependencies, 0);
  const cudaStream_t first = make_stream();
  void* pointer = allocate(kBytes, pool, first);
  std::atomic<bool> reached{false};
  ASSERT_EQ(cudaFreeAsync(pointer, first), cudaSuccess);
  ASSERT_EQ(cudaLaunchHostFunc(
                first, [](void* data) { *static_cast<std::atomic<bool>*>(data) = true; }, &reached),
            cudaSuccess);
  while (!reached) {
  }
  EXPECT_NE(allocate(kBytes, pool, make_stream()), pointer);
  ASSERT_EQ(cudaStreamSynchronize(first), cudaSuccess);
  EXPECT_EQ(allocate(kBytes, pool, make_stream()), pointer);
}

TEST_F(PoolReuse, ByTheSameStreamNeedsNoLeave) {
  const cudaMemPool_t pool = make_pool();
  for (const auto which :
       {cudaMemPoolReuseFollowEventDependencies, cudaMemPoolReuseAllowOpportunistic,
        cudaMemPoolReuseAllowInternalDependencies}) {
    set(pool, which, 0);
  }
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(kBytes, pool, stream);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  EXPECT_EQ(allocate(kBytes, pool, stream), pointer);
}

TEST_F(PoolReuse, FollowsEventsThoughItIsNotOpportunistic) {
  const cudaMemPool_t pool = make_pool();
  set(pool, cudaMemPoolReuseAllowOpportunistic, 0);
  const cudaStream_t first = make_stream();
  const cudaStream_t second = make_stream();
  void* pointer = allocate(kBytes, pool, first);
  ASSERT_EQ(cudaFreeAsync(pointer, first), cudaSuccess);
  order(first, second);
  EXPECT_EQ(allocate(kBytes, pool, second), pointer);
}

// Two pools' memory is never one another's.
TEST_F(PoolReuse, IsOfOnePool) {
  const cudaMemPool_t pool = make_pool();
  const cudaMemPool_t other = make_pool();
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(kBytes, pool, stream);
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
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t first = make_stream();
  const cudaStream_t second = make_stream();
  void* pointer = allocate(kBytes, pool, first);
  Gate gate;
  gate.hold(first);
  ASSERT_EQ(cudaFreeAsync(pointer, first), cudaSuccess);
  EXPECT_EQ(allocate(kBytes, pool, second), pointer);
  EXPECT_EQ(cudaStreamQuery(second), cudaErrorNotReady) << "the dependency that was inserted";
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(second), cudaSuccess);
}

TEST_F(PoolReuse, DoesNotWaitForAPendingFreeWhereThatIsForbidden) {
  reset({.memory = 40 * kMiB});
  const cudaMemPool_t pool = make_pool();
  set(pool, cudaMemPoolReuseAllowInternalDependencies, 0);
  const cudaStream_t first = make_stream();
  void* pointer = allocate(kBytes, pool, first);
  Gate gate;
  gate.hold(first);
  ASSERT_EQ(cudaFreeAsync(pointer, first), cudaSuccess);
  EXPECT_EQ(cudaMallocFromPoolAsync(&pointer, kBytes, pool, make_stream()),
            cudaErrorMemoryAllocation);
}

// Several blocks at once, taken by way of events, by many rounds of two streams that alternate.
TEST_F(PoolReuse, KeepsItsCountsOverManyRounds) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t streams[] = {make_stream(), make_stream()};
  std::vector<void*> blocks;
  for (int round = 0; round < 50; ++round) {
    const cudaStream_t stream = streams[round % 2];
    for (void* block : blocks)
      ASSERT_EQ(cudaFreeAsync(block, streams[(round + 1) % 2]), cudaSuccess);
    order(streams[(round + 1) % 2], stream);
    blocks.clear();
    for (int i = 1; i <= 8; ++i)
      blocks.push_back(allocate(static_cast<std::size_t>(i) * 1000, pool, stream));
  }
  for (void* block : blocks) ASSERT_EQ(cudaFreeAsync(block, streams[1]), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(used(pool), 0U);
  EXPECT_EQ(ledger(0).live_allocations, 0U);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 0U);
}
#endif

}  // namespace
}  // namespace cuda_simulator

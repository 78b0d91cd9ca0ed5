// What pools take from the device, and when they give it back.
#include "fixture.h"

namespace cuda_simulator {
namespace {

class PoolMemory : public SimulatorTest {};

// "Allocations that have been asynchronously freed but whose completion has not been observed on
// the host (eg. by a synchronize) can count as outstanding."
TEST_F(PoolMemory, TrimSkipsFreesThatTheHostHasNotSeen) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  ASSERT_EQ(cudaFreeAsync(allocate(kMiB, pool, stream), stream), cudaSuccess);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 32 * kMiB);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 0U);
}

// "Allocations that have been asynchronously freed but whose completion has not been observed on
// the host (eg. by a synchronize) can count as outstanding."
TEST_F(PoolMemory, TrimSeesAnEventsQueryAndASynchronizedJoin) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  ASSERT_EQ(cudaFreeAsync(allocate(kMiB, pool, stream), stream), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(cudaEventQuery(event), cudaSuccess);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 0U);

  const cudaStream_t joined = make_stream();
  ASSERT_EQ(cudaFreeAsync(allocate(kMiB, pool, stream), stream), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(joined, event, 0), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(joined), cudaSuccess);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 0U);
}

// "Allocations that have been asynchronously freed but whose completion has not been observed on
// the host (eg. by a synchronize) can count as outstanding."
TEST_F(PoolMemory, TrimSeesFreesOfADestroyedStreamOnceTheDeviceIsSynchronized) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  ASSERT_EQ(cudaFreeAsync(allocate(kMiB, pool, stream), stream), cudaSuccess);
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  make_stream();
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 32 * kMiB);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 0U);
}

// "Otherwise the pool will be guaranteed to have at least minBytesToKeep bytes reserved after the
// operation." "The allocator cannot release OS allocations that back outstanding asynchronous
// allocations."
TEST_F(PoolMemory, TrimKeepsWhatIsAskedForAndWhatIsLive) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  std::vector<void*> pointers;
  for (int i = 0; i < 4; ++i) pointers.push_back(allocate(32 * kMiB, pool, stream));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(cudaFreeAsync(pointers[static_cast<std::size_t>(i)], stream), cudaSuccess);
  }
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 70 * kMiB), cudaSuccess);
  EXPECT_EQ(reserved(pool), 96 * kMiB);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 32 * kMiB);
}

// "When more than the release threshold bytes of memory are held by the memory pool, the allocator
// will try to release memory back to the OS on the next call to stream, event or context
// synchronize. (default 0)"
TEST_F(PoolMemory, ReleaseAboveTheThresholdAtTheNextSynchronisation) {
  const cudaMemPool_t pool = make_pool(0, 0, 32 * kMiB);
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  void* first = allocate(32 * kMiB, pool, stream);
  void* second = allocate(32 * kMiB, pool, stream);
  ASSERT_EQ(cudaFreeAsync(first, stream), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(second, stream), cudaSuccess);
  EXPECT_EQ(reserved(pool), 64 * kMiB);
  ASSERT_EQ(cudaStreamQuery(stream), cudaSuccess);
  EXPECT_EQ(reserved(pool), 64 * kMiB) << "a query is no synchronisation";
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(reserved(pool), 32 * kMiB);
  std::uint64_t threshold = 0;
  ASSERT_EQ(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold),
            cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(reserved(pool), 0U);
}

// cudaErrorMemoryAllocation: "The API call failed because it was unable to allocate enough memory
// or other resources to perform the requested operation."
TEST_F(PoolMemory, RunOutOfTheDevicesMemory) {
  begin({.memory = 100 * kMiB});
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  allocate(64 * kMiB, pool, stream);
  void* pointer = nullptr;
  EXPECT_EQ(cudaMallocFromPoolAsync(&pointer, 40 * kMiB, pool, stream), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&pointer, 40 * kMiB), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMallocFromPoolAsync(&pointer, SIZE_MAX, pool, stream), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "not sticky";
  EXPECT_NE(allocate(36 * kMiB, pool, stream), nullptr) << "to the last page";
  std::size_t free = 1;
  std::size_t total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(free, 0U);
  EXPECT_EQ(total, 100 * kMiB);
}

TEST_F(PoolMemory, GiveBackWhatIsUnusedBeforeTheDeviceIsOutOfMemory) {
  begin({.memory = 96 * kMiB});
  const cudaMemPool_t pool = make_pool();
  const cudaMemPool_t other = make_pool();
  const cudaStream_t stream = make_stream();
  void* first = allocate(32 * kMiB, pool, stream);
  void* second = allocate(32 * kMiB, other, stream);
  ASSERT_EQ(cudaFreeAsync(first, stream), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(second, stream), cudaSuccess);
  EXPECT_NE(allocate(96 * kMiB, pool, stream), nullptr);
  EXPECT_EQ(reserved(other), 0U);
}

// cudaMemPoolProps::maxSize: "Maximum pool size."
TEST_F(PoolMemory, KeepWithinTheirMaximumSize) {
  const cudaMemPool_t pool = make_pool(0, 32 * kMiB);
  const cudaStream_t stream = make_stream();
  allocate(20 * kMiB, pool, stream);
  void* pointer = nullptr;
  EXPECT_EQ(cudaMallocFromPoolAsync(&pointer, 20 * kMiB, pool, stream), cudaErrorMemoryAllocation);
}

// "If any pointers obtained from this pool haven't been freed or the pool has free operations that
// haven't completed when cudaMemPoolDestroy is invoked, the function will return immediately and
// the resources associated with the pool will be released automatically once there are no more
// outstanding allocations."
TEST_F(PoolMemory, LiveOnAfterDestroyUntilTheLastAllocationIsFreed) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  void* first = allocate(kMiB, pool, stream);
  void* second = allocate(kMiB, pool, stream);
  ASSERT_EQ(cudaMemset(first, 1, kMiB), cudaSuccess);
  ASSERT_EQ(cudaMemPoolDestroy(pool), cudaSuccess);
  EXPECT_EQ(cudaMemPoolTrimTo(pool, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPoolDestroy(pool), cudaErrorInvalidValue);
  EXPECT_EQ(ledger(0).reserved_bytes, 32 * kMiB);
  ASSERT_EQ(cudaMemset(second, 1, kMiB), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(first, stream), cudaSuccess);
  EXPECT_EQ(ledger(0).reserved_bytes, 32 * kMiB);
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaFreeAsync(second, stream), cudaSuccess);
  EXPECT_EQ(ledger(0).reserved_bytes, 32 * kMiB);
  gate.open();
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(ledger(0).reserved_bytes, 0U);
}

// cudaFree: "will not perform any implicit synchronization when the pointer was allocated with
// cudaMallocAsync or cudaMallocFromPoolAsync."
TEST_F(PoolMemory, MemoryIsFreedAtOnceByCudaFree) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(kMiB, pool, stream);
  Gate gate;
  gate.hold(stream);
  EXPECT_EQ(cudaFree(pointer), cudaSuccess);
  EXPECT_EQ(used(pool), 0U);
  EXPECT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 0U);
}

TEST_F(PoolMemory, SimulateADeviceLargerThanTheHost) {
  begin({.memory = 640ULL << 30});
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  std::vector<void*> pointers;
  for (int i = 0; i < 8; ++i) pointers.push_back(allocate(80ULL << 30, pool, stream));
  for (void* pointer : pointers) ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(ledger(0).reserved_bytes, 0U);
}

}  // namespace
}  // namespace cuda_simulator

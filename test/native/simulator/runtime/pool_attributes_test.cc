// What a pool says of itself, and how much of it a trim leaves.
#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class PoolAttributes : public RuntimeTest {
 protected:
  static constexpr std::size_t kBytes = 64 * kMiB;
  // The pool then holds memory that is in no use.
  static cudaMemPool_t pool_with_a_cache() {
    const cudaMemPool_t pool = make_pool();
    const cudaStream_t stream = make_stream();
    EXPECT_EQ(cudaFreeAsync(allocate(kBytes, pool, stream), stream), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    return pool;
  }
  static cudaError_t set(cudaMemPool_t pool, cudaMemPoolAttr which, std::uint64_t value) {
    return cudaMemPoolSetAttribute(pool, which, &value);
  }
};

// cudaMemPoolAttrReleaseThreshold: "(default 0)"
TEST_F(PoolAttributes, KeepNothingByDefault) {
  cudaMemPool_t pool = nullptr;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location = {cudaMemLocationTypeDevice, 0};
  ASSERT_EQ(cudaMemPoolCreate(&pool, &properties), cudaSuccess);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrReleaseThreshold), 0U);
}

// "High watermark of the amount of memory from the pool that was in use by the application since
// the last time it was reset."
TEST_F(PoolAttributes, RememberTheMostThatWasUsed) {
  const cudaMemPool_t pool = pool_with_a_cache();
  EXPECT_EQ(used(pool), 0U);
  EXPECT_GE(attribute(pool, cudaMemPoolAttrUsedMemHigh), kBytes);
  ASSERT_EQ(set(pool, cudaMemPoolAttrUsedMemHigh, 0), cudaSuccess);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrUsedMemHigh), 0U);
}

// "High watermark of backing memory allocated for the mempool since the last time it was reset."
TEST_F(PoolAttributes, RememberTheMostThatWasReserved) {
  const cudaMemPool_t pool = pool_with_a_cache();
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_GE(attribute(pool, cudaMemPoolAttrReservedMemHigh), kBytes);
  ASSERT_EQ(set(pool, cudaMemPoolAttrReservedMemHigh, 0), cudaSuccess);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrReservedMemHigh), reserved(pool));
}

// "It is illegal to set this attribute to a non-zero value."
TEST_F(PoolAttributes, AreNotToldWhatTheMostWas) {
  const cudaMemPool_t pool = make_pool();
  EXPECT_EQ(set(pool, cudaMemPoolAttrUsedMemHigh, 1), cudaErrorInvalidValue);
  EXPECT_EQ(set(pool, cudaMemPoolAttrReservedMemHigh, 1), cudaErrorInvalidValue);
}

// "If the pool has less than minBytesToKeep reserved, the TrimTo operation is a no-op."
TEST_F(PoolAttributes, StayWhereATrimAsksForMoreThanThereIs) {
  const cudaMemPool_t pool = pool_with_a_cache();
  const std::uint64_t before = reserved(pool);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 2 * before), cudaSuccess);
  EXPECT_EQ(reserved(pool), before);
}

// "Releases memory back to the OS until the pool contains fewer than minBytesToKeep reserved bytes,
// or there is no more memory that the allocator can safely release."
TEST_F(PoolAttributes, ShowThatATrimToNothingLeavesNothing) {
  const cudaMemPool_t pool = pool_with_a_cache();
  EXPECT_GE(reserved(pool), kBytes);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 0U);
}

// "Allocations that have not been freed count as outstanding."
TEST_F(PoolAttributes, ShowThatATrimLeavesWhatIsInUse) {
  const cudaMemPool_t pool = pool_with_a_cache();
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(kBytes, pool, stream);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_GE(reserved(pool), kBytes);
  EXPECT_GE(used(pool), kBytes);
  EXPECT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
}

// "By default, a device's current memory pool is its default memory pool."
TEST_F(PoolAttributes, OfADeviceAreFirstThoseOfItsDefaultPool) {
  cudaMemPool_t standard = nullptr;
  cudaMemPool_t current = nullptr;
  ASSERT_EQ(cudaDeviceGetDefaultMemPool(&standard, 0), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetMemPool(&current, 0), cudaSuccess);
  EXPECT_EQ(current, standard);
}

// "Returns the last pool provided to cudaDeviceSetMemPool for this device"
TEST_F(PoolAttributes, OfADeviceAreThoseOfThePoolThatItWasGiven) {
  const cudaMemPool_t pool = make_pool();
  cudaMemPool_t standard = nullptr;
  cudaMemPool_t current = nullptr;
  ASSERT_EQ(cudaDeviceGetDefaultMemPool(&standard, 0), cudaSuccess);
  ASSERT_EQ(cudaDeviceSetMemPool(0, pool), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetMemPool(&current, 0), cudaSuccess);
  EXPECT_EQ(current, pool);
  ASSERT_EQ(cudaDeviceSetMemPool(0, standard), cudaSuccess);
}

// "Unless a mempool is specified in the cudaMallocAsync call, cudaMallocAsync allocates from the
// current mempool of the provided stream's device."
TEST_F(PoolAttributes, CountWhatCudaMallocAsyncTakesOfTheCurrentPool) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  cudaMemPool_t standard = nullptr;
  void* pointer = nullptr;
  ASSERT_EQ(cudaDeviceGetDefaultMemPool(&standard, 0), cudaSuccess);
  ASSERT_EQ(cudaDeviceSetMemPool(0, pool), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&pointer, kBytes, stream), cudaSuccess);
  EXPECT_GE(used(pool), kBytes);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(used(pool), 0U);
  ASSERT_EQ(cudaDeviceSetMemPool(0, standard), cudaSuccess);
}

// "The specified memory pool may be from a device different than that of the specified hStream."
TEST_F(PoolAttributes, CountForAStreamOfAnotherDevice) {
  NEED_DEVICES(2);
  const cudaMemPool_t pool = make_pool(1);
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(kBytes, pool, stream);
  EXPECT_GE(used(pool), kBytes);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(used(pool), 0U);
}

}  // namespace
}  // namespace cuda_simulator

#include <thread>
#include <utility>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class Pools : public SimulatorTest {};

// "Amount of memory from the pool that is currently in use by the application." "Amount of backing
// memory currently allocated for the mempool."
TEST_F(Pools, CountWhatIsUsedAndReserved) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  EXPECT_EQ(reserved(pool), 0U);
  void* pointer = allocate(1000, pool, stream);
  EXPECT_EQ(used(pool), 1024U);
  EXPECT_EQ(reserved(pool), 32 * kMiB);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pointer) % 512, 0U);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(used(pool), 0U);
  EXPECT_EQ(reserved(pool), 32 * kMiB) << "the release threshold is the maximum";
}

// "High watermark can only be reset to zero."
TEST_F(Pools, KeepHighWaterMarks) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  void* large = allocate(64 * kMiB, pool, stream);
  void* small = allocate(512, pool, stream);
  ASSERT_EQ(cudaFreeAsync(large, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrUsedMemHigh), 64 * kMiB + 512);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 32 * kMiB);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrReservedMemHigh), 96 * kMiB);

  std::uint64_t value = 1;
  EXPECT_EQ(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &value),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReservedMemHigh, &value),
            cudaErrorInvalidValue);
  value = 0;
  EXPECT_EQ(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &value), cudaSuccess);
  EXPECT_EQ(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReservedMemHigh, &value), cudaSuccess);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrUsedMemHigh), 512U);
  EXPECT_EQ(attribute(pool, cudaMemPoolAttrReservedMemHigh), 32 * kMiB);
  EXPECT_EQ(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &value),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeAsync(small, stream), cudaSuccess);
}

// "The allocation must not be accessed after stream execution reaches the free": until then it is
// in use.
TEST_F(Pools, HoldMemoryUntilTheStreamReachesTheFree) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(kMiB, pool, stream);
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  EXPECT_EQ(used(pool), kMiB);
  EXPECT_EQ(ledger(0).used_bytes, kMiB);
  gate.open();
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(used(pool), 0U);
  EXPECT_EQ(ledger(0).used_bytes, 0U);
}

// "Basic stream ordering allows future work submitted into the same stream to use the allocation":
// what the stream will have freed, it may have again at once.
TEST_F(Pools, GiveAPendingBlockToTheSameStreamOnly) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  const cudaStream_t other = make_stream();
  void* pointer = allocate(32 * kMiB, pool, stream);
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  EXPECT_NE(allocate(kMiB, pool, other), pointer);
  EXPECT_EQ(allocate(kMiB, pool, stream), pointer);
  EXPECT_EQ(used(pool), 2 * kMiB);
  // The rest of the block is the same stream's too.
  EXPECT_EQ(allocate(31 * kMiB, pool, stream), static_cast<char*>(pointer) + kMiB);
  EXPECT_EQ(used(pool), 33 * kMiB);
  EXPECT_EQ(reserved(pool), 64 * kMiB);
  gate.open();
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(used(pool), 33 * kMiB) << "the free that was reached is of memory that is live again";
  EXPECT_EQ(ledger(0).live_allocations, 3U);
}

TEST_F(Pools, SplitAPendingBlockWhoseRestIsFreedLater) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(32 * kMiB, pool, stream);
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  void* again = allocate(kMiB, pool, stream);
  ASSERT_EQ(again, pointer);
  ASSERT_EQ(cudaFreeAsync(again, stream), cudaSuccess);
  gate.open();
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(used(pool), 0U);
  EXPECT_EQ(allocate(32 * kMiB, pool, make_stream()), pointer) << "merged into one block again";
  EXPECT_EQ(reserved(pool), 32 * kMiB);
}

// cudaMemPoolReuseAllowOpportunistic: "Allow reuse of already completed frees when there is no
// dependency between the free and allocation."
TEST_F(Pools, GiveACompletedBlockToAnyStream) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  void* pointer = allocate(32 * kMiB, pool, stream);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(allocate(32 * kMiB, pool, make_stream()), pointer);
}

TEST_F(Pools, MergeNeighboursThatAreFree) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  std::vector<void*> pointers;
  for (int i = 0; i < 32; ++i) pointers.push_back(allocate(kMiB, pool, stream));
  EXPECT_EQ(reserved(pool), 32 * kMiB);
  for (std::size_t i = 0; i < pointers.size(); i += 2) {
    ASSERT_EQ(cudaFreeAsync(pointers[i], stream), cudaSuccess);
  }
  for (std::size_t i = 1; i < pointers.size(); i += 2) {
    ASSERT_EQ(cudaFreeAsync(pointers[i], stream), cudaSuccess);
  }
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_NE(allocate(32 * kMiB, pool, stream), nullptr);
  EXPECT_EQ(reserved(pool), 32 * kMiB);
}

// "A device's default memory pool cannot be destroyed." "Destroying the current mempool of a device
// sets the default mempool of that device as the current mempool for that device."
TEST_F(Pools, OfADeviceAreTheDefaultOneAndTheCurrentOne) {
  begin({.devices = 2});
  cudaMemPool_t standard = nullptr;
  cudaMemPool_t current = nullptr;
  ASSERT_EQ(cudaDeviceGetDefaultMemPool(&standard, 0), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetMemPool(&current, 0), cudaSuccess);
  EXPECT_EQ(current, standard);
  EXPECT_EQ(attribute(standard, cudaMemPoolAttrReleaseThreshold), 0U);
  EXPECT_EQ(cudaMemPoolDestroy(standard), cudaErrorInvalidValue);

  const cudaMemPool_t pool = make_pool();
  EXPECT_EQ(cudaDeviceSetMemPool(1, pool), cudaErrorInvalidValue)
      << "it must be local to the device";
  ASSERT_EQ(cudaDeviceSetMemPool(0, pool), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetMemPool(&current, 0), cudaSuccess);
  EXPECT_EQ(current, pool);
  void* pointer = nullptr;
  ASSERT_EQ(cudaMallocAsync(&pointer, kMiB, nullptr), cudaSuccess);
  EXPECT_EQ(used(pool), kMiB);
  ASSERT_EQ(cudaMemPoolDestroy(pool), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetMemPool(&current, 0), cudaSuccess);
  EXPECT_EQ(current, standard);
  EXPECT_EQ(cudaFreeAsync(pointer, nullptr), cudaSuccess);
  EXPECT_EQ(cudaDeviceGetMemPool(&current, 2), cudaErrorInvalidDevice);
}

TEST_F(Pools, RefuseWhatIsNotALiveAllocation) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  char* pointer = static_cast<char*>(allocate(kMiB, pool, stream));
  int local = 0;
  EXPECT_EQ(cudaFreeAsync(pointer + 512, stream), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeAsync(&local, stream), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeAsync(nullptr, stream), cudaErrorInvalidValue);
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(pointer, stream), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(pointer), cudaErrorInvalidValue);
  EXPECT_EQ(ledger(0).invalid_frees, 5U);
  EXPECT_EQ(ledger(0).total_frees, 1U);
}

TEST_F(Pools, RefuseWrongProperties) {
  cudaMemPool_t pool = nullptr;
  cudaMemPoolProps properties{};
  EXPECT_EQ(cudaMemPoolCreate(&pool, &properties), cudaErrorInvalidValue);
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location = {cudaMemLocationTypeDevice, 7};
  EXPECT_EQ(cudaMemPoolCreate(&pool, &properties), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPoolCreate(&pool, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPoolTrimTo(nullptr, 0), cudaErrorInvalidValue);
}

// "Whether or not a device supports the integrated stream ordered memory allocator may be queried
// by calling cudaDeviceGetAttribute() with the device attribute cudaDevAttrMemoryPoolsSupported."
TEST_F(Pools, MayBeMissingFromADevice) {
  begin({.memory_pools = false});
  int supported = 1;
  ASSERT_EQ(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, 0), cudaSuccess);
  EXPECT_EQ(supported, 0);
  cudaMemPool_t pool = nullptr;
  EXPECT_EQ(cudaDeviceGetDefaultMemPool(&pool, 0), cudaErrorNotSupported);
  void* pointer = nullptr;
  EXPECT_EQ(cudaMallocAsync(&pointer, 1, nullptr), cudaErrorNotSupported);
  ASSERT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
  EXPECT_EQ(cudaFree(pointer), cudaSuccess);
}

// Threads allocate, free and reuse side by side; no two live blocks may share a byte.
// "The allocator is free to reallocate the memory as long as it can guarantee that compliant memory
// accesses will not overlap temporally."
TEST_F(Pools, KeepBlocksApartUnderManyThreads) {
  const cudaMemPool_t pool = make_pool();
  std::vector<std::thread> threads;
  for (int id = 0; id < 4; ++id) {
    threads.emplace_back([&, id] {
      const cudaStream_t stream =
          make_stream(id % 2 == 0 ? cudaStreamDefault : cudaStreamNonBlocking);
      std::vector<std::pair<unsigned char*, std::size_t>> live;
      unsigned int random = static_cast<unsigned int>(id) + 1;
      for (int step = 0; step < 300; ++step) {
        random = random * 1664525U + 1013904223U;
        if (live.size() < 20 && random % 3 != 0) {
          const std::size_t bytes = (random >> 8) % 8192 + 1;
          auto* pointer = static_cast<unsigned char*>(allocate(bytes, pool, stream));
          ASSERT_EQ(cudaMemsetAsync(pointer, id, bytes, stream), cudaSuccess);
          live.emplace_back(pointer, bytes);
        } else if (!live.empty()) {
          const auto [pointer, bytes] = live.back();
          live.pop_back();
          std::vector<unsigned char> copy(bytes);
          ASSERT_EQ(cudaMemcpyAsync(copy.data(), pointer, bytes, cudaMemcpyDeviceToHost, stream),
                    cudaSuccess);
          for (const unsigned char byte : copy) ASSERT_EQ(byte, id);
          ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
        }
        if (step % 50 == 0) {
          ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
        }
      }
      for (const auto& [pointer, bytes] : live)
        ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
      ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
      ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(used(pool), 0U);
  ASSERT_EQ(cudaMemPoolTrimTo(pool, 0), cudaSuccess);
  EXPECT_EQ(reserved(pool), 0U);
}

}  // namespace
}  // namespace cuda_simulator

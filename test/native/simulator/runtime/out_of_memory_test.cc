// A device without room: what an allocation answers, and that the device goes on.
#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class OutOfMemory : public RuntimeTest {
 protected:
  static std::size_t more_than_there_is() {
    std::size_t free = 0;
    std::size_t total = 0;
    EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
    return total + kMiB;
  }
  static void expect_room_for_little() {
    void* pointer = nullptr;
    ASSERT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
    ASSERT_EQ(cudaMemset(pointer, 1, kMiB), cudaSuccess);
    EXPECT_EQ(cudaFree(pointer), cudaSuccess);
  }
};

// cudaErrorMemoryAllocation: "The API call failed because it was unable to allocate enough memory
// or other resources to perform the requested operation."
TEST_F(OutOfMemory, IsAnErrorOfTheCallAndNotOfTheDevice) {
  void* pointer = nullptr;
  EXPECT_EQ(cudaMalloc(&pointer, more_than_there_is()), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  expect_room_for_little();
}

// cudaErrorMemoryAllocation: "The API call failed because it was unable to allocate enough memory
// or other resources to perform the requested operation."
TEST_F(OutOfMemory, LeavesAPoolAsItWas) {
  const cudaMemPool_t pool = make_pool();
  const cudaStream_t stream = make_stream();
  void* kept = allocate(kMiB, pool, stream);
  const std::uint64_t before = used(pool);
  void* pointer = nullptr;
  EXPECT_EQ(cudaMallocFromPoolAsync(&pointer, more_than_there_is(), pool, stream),
            cudaErrorMemoryAllocation);
  EXPECT_EQ(used(pool), before);
  EXPECT_EQ(cudaFreeAsync(kept, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(used(pool), 0U);
  expect_room_for_little();
}

}  // namespace
}  // namespace cuda_simulator

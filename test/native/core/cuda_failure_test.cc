// What a failure says, which failures end a context, and what the context remembers.
#include "core/cuda_failure.h"

#include <atomic>

#include "core/context.h"
#include "fixture.h"

namespace cuda_shutdown {
namespace {

TEST(CudaFailure, SaysTheCallTheDeviceAndTheCode) {
  EXPECT_EQ((CudaFailure{cudaErrorMemoryAllocation, "cudaMalloc", 1}.message()),
            "cudaMalloc on device 1 failed with cudaErrorMemoryAllocation (2): out of memory");
  EXPECT_EQ((CudaFailure{cudaErrorNoDevice, "cudaGetDeviceCount", -1}.message()),
            "cudaGetDeviceCount failed with cudaErrorNoDevice (100): no CUDA-capable device is "
            "detected");
  const CudaException exception({cudaErrorInvalidValue, "cudaFree", 0});
  EXPECT_EQ(exception.what(), exception.failure().message());
}

TEST(CudaFailure, IsStickyForTheErrorsThatEndAContext) {
  for (const int code : {226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721, 810, 911}) {
    EXPECT_TRUE(is_sticky(static_cast<cudaError_t>(code))) << code;
  }
  for (const int code : {0, 1, 2, 4, 35, 100, 600, 704, 709, 712, 713, 720, 801, 999}) {
    EXPECT_FALSE(is_sticky(static_cast<cudaError_t>(code))) << code;
  }
  EXPECT_TRUE((CudaFailure{cudaErrorLaunchFailure, "cudaFree", 0}.sticky()));
}

class ContextTest : public CoreTest {
 protected:
  Context context_{0};
};

TEST_F(ContextTest, PassesSuccessOn) {
  EXPECT_NO_THROW(context_.check(cudaSuccess, "cudaFree"));
  EXPECT_FALSE(context_.lost());
  EXPECT_EQ(context_.loss().code, cudaSuccess);
}

TEST_F(ContextTest, TakesTheFailureFromTheThreadsLastError) {
  cuda_simulator::inject("cudaFree=error:1");
  try {
    context_.check(cudaFree(nullptr), "cudaFree");
    FAIL();
  } catch (const CudaException& exception) {
    EXPECT_EQ(exception.failure().code, cudaErrorInvalidValue);
    EXPECT_STREQ(exception.failure().call, "cudaFree");
    EXPECT_EQ(exception.failure().device, 0);
  }
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
  EXPECT_FALSE(context_.lost());
}

TEST_F(ContextTest, RemembersTheFirstLoss) {
  EXPECT_THROW(context_.check(cudaErrorIllegalAddress, "cudaEventQuery"), CudaException);
  EXPECT_THROW(context_.check(cudaErrorLaunchFailure, "cudaFree"), CudaException);
  EXPECT_TRUE(context_.lost());
  EXPECT_EQ(context_.loss().code, cudaErrorIllegalAddress);
  EXPECT_STREQ(context_.loss().call, "cudaEventQuery");
  EXPECT_EQ(context_.loss().device, 0);
}

// Who sees the loss sees all of it.
TEST_F(ContextTest, ShowsALossWholeToOtherThreads) {
  constexpr int rounds = 300;
  int halves = 0;
  for (int round = 0; round < rounds; ++round) {
    Context context(0);
    std::atomic<bool> begin = false;
    std::thread loses([&] {
      while (!begin) std::this_thread::yield();
      EXPECT_THROW(context.check(cudaErrorLaunchFailure, "cudaFree"), CudaException);
    });
    begin = true;
    while (!context.lost()) std::this_thread::yield();
    const CudaFailure loss = context.loss();
    if (loss.code != cudaErrorLaunchFailure || std::string(loss.call) != "cudaFree") ++halves;
    loses.join();
  }
  EXPECT_EQ(halves, 0);
}

TEST_F(ContextTest, IsInitialisedByTheFirstUseAndNotByTheQuestion) {
  EXPECT_FALSE(context_.initialised());
  EXPECT_EQ(cuda_simulator::ledger(0).context_active, 0U);
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 1), cudaSuccess);
  EXPECT_TRUE(context_.initialised()) << "whoever it was";
  EXPECT_EQ(cudaFree(pointer), cudaSuccess);
}

}  // namespace
}  // namespace cuda_shutdown

#include <thread>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class Faults : public SimulatorTest {};

TEST_F(Faults, AnswerAnErrorInsteadOfTheWork) {
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
  inject("cudaFree=error:719");
  EXPECT_EQ(cudaFree(pointer), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaFree(pointer), cudaErrorLaunchFailure) << "every call";
  EXPECT_EQ(ledger(0).used_bytes, kMiB);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess) << "error: does not lose the device";
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(Faults, ActOnTheNthCallFromWhenTheyAreSet) {
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  inject("cudaFree#2=error:999");
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaErrorUnknown);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(calls("cudaFree"), 4U);
}

TEST_F(Faults, CountCallsOfTheirDeviceOnly) {
  begin({.devices = 2});
  inject("cudaStreamQuery#2@1=error:999");
  const cudaStream_t first = make_stream();
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  const cudaStream_t second = make_stream();
  EXPECT_EQ(cudaStreamQuery(second), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(first), cudaSuccess) << "the stream's device, not the current one";
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(second), cudaErrorUnknown);
}

TEST_F(Faults, FindTheDeviceOfPointersPoolsAndNumbers) {
  begin({.devices = 2});
  const cudaMemPool_t pool = make_pool(1);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 1), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  inject("cudaFree@1=error:1,cudaMemPoolTrimTo@1=error:1,cudaDeviceGraphMemTrim@1=error:1");
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFree(pointer), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPoolTrimTo(pool, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceGraphMemTrim(0), cudaSuccess);
  EXPECT_EQ(cudaDeviceGraphMemTrim(1), cudaErrorInvalidValue);
}

TEST_F(Faults, HangWithoutKeepingOthersOut) {
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
  inject("cudaFree#1=hang");
  std::promise<cudaError_t> answer;
  auto answered = answer.get_future();
  std::thread thread([&] { answer.set_value(cudaFree(pointer)); });
  ASSERT_TRUE(wait_for_call("cudaFree", 1, kPatience));
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  void* other = nullptr;
  EXPECT_EQ(cudaMalloc(&other, kMiB), cudaSuccess);
  EXPECT_EQ(ledger(0).used_bytes, 2 * kMiB) << "before its effect";
  EXPECT_EQ(answered.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  release_hangs();
  EXPECT_EQ(answered.get(), cudaSuccess) << "then it does its work";
  thread.join();
  EXPECT_EQ(ledger(0).used_bytes, kMiB);
}

TEST_F(Faults, HangOrAreSlowForATimeThenDoTheWork) {
  void* pointer = nullptr;
  inject("cudaMalloc#1=slow:20,cudaMalloc#2=hang:20");
  for (int i = 0; i < 2; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(20));
  }
  EXPECT_EQ(ledger(0).live_allocations, 2U);
}

TEST_F(Faults, ActTogetherOnOneCall) {
  inject("cudaFree=slow:1,cudaFree#2=error:999");
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaErrorUnknown);
}

TEST_F(Faults, ReachTheDriversFunctions) {
  inject("cuDevicePrimaryCtxGetState=error:999");
  void* function = nullptr;
  ASSERT_EQ(
      cudaGetDriverEntryPointByVersion("cuDevicePrimaryCtxGetState", &function, 12000, 0, nullptr),
      cudaSuccess);
  unsigned int flags = 0;
  int active = 0;
  EXPECT_EQ(reinterpret_cast<int (*)(int, unsigned int*, int*)>(function)(0, &flags, &active), 999);
}

TEST_F(Faults, EndAHangWhenAnotherWorldBegins) {
  inject("cudaDeviceSynchronize=hang");
  std::thread thread([] { EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorContextIsDestroyed); });
  ASSERT_TRUE(wait_for_call("cudaDeviceSynchronize", 1, kPatience));
  begin({});
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  thread.join();
}

TEST_F(Faults, ThatAreWrongAreRefused) {
  EXPECT_THROW(inject("cudaFree=sometimes"), BadSetting);
  EXPECT_THROW(calls("cudaNothing"), std::invalid_argument);
  EXPECT_FALSE(wait_for_call("cudaFree", 1, std::chrono::milliseconds(1)));
}

using FaultsDeathTest = Faults;

TEST_F(FaultsDeathTest, Abort) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        inject("cudaFree#1=abort");
        cudaFree(nullptr);
      },
      testing::KilledBySignal(SIGABRT), "abort in cudaFree");
}

// A process ends while a call and a stream hang in it.
TEST_F(FaultsDeathTest, LetTheProcessEnd) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        inject("cudaDeviceSynchronize=hang");
        std::promise<void> never;
        cudaLaunchHostFunc(
            nullptr,
            [](void* data) { static_cast<std::promise<void>*>(data)->get_future().wait(); },
            &never);
        std::thread([] { cudaDeviceSynchronize(); }).detach();
        wait_for_call("cudaDeviceSynchronize", 1, kPatience);
        std::exit(7);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace cuda_simulator

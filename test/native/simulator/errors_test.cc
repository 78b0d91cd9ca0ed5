#include <cstdlib>
#include <string>
#include <thread>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class Errors : public SimulatorTest {};

// "Returns the last error that has been produced by any of the runtime calls in the same instance
// of the CUDA Runtime library in the host thread and resets it to cudaSuccess."
TEST_F(Errors, AreKeptForTheThreadAndReset) {
  EXPECT_EQ(cudaSetDevice(9), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaMalloc(nullptr, 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess) << "a success does not clear it";
  std::thread([] { EXPECT_EQ(cudaGetLastError(), cudaSuccess); }).join();
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

// cudaErrorNotReady: "This indicates that asynchronous operations issued previously have not
// completed yet."
TEST_F(Errors, IncludeNotReady) {
  const cudaStream_t stream = make_stream();
  Gate gate;
  gate.hold(stream);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady);
}

// cudaErrorLaunchFailure: "This leaves the process in an inconsistent state and any further CUDA
// work will return the same error. To continue using CUDA, the process must be terminated and
// relaunched."
TEST_F(Errors, ThatAreStickyStay) {
  begin({.devices = 2});
  const cudaStream_t stream = make_stream();
  void* pointer = nullptr;
  ASSERT_EQ(cudaMallocAsync(&pointer, kMiB, stream), cudaSuccess);
  inject("cudaDeviceSynchronize#1@0=sticky:719");
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaFreeAsync(pointer, stream), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaDeviceReset(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(ledger(0).sticky_error, 719U);
  EXPECT_EQ(ledger(0).used_bytes, kMiB) << "only the end of the process frees it";
  int count = 0;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(1), cudaSuccess) << "the other device works";
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

// "cudaDeviceSynchronize() returns an error if one of the preceding tasks has failed."
TEST_F(Errors, ThatAreStickyEndWaits) {
  const cudaStream_t stream = make_stream();
  Gate gate;
  gate.hold(stream);
  std::thread waiter([&] { EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorECCUncorrectable); });
  ASSERT_TRUE(wait_for_call("cudaStreamSynchronize", 1, kPatience));
  inject("cudaMemGetInfo#1=sticky:214");
  std::size_t free = 0;
  EXPECT_EQ(cudaMemGetInfo(&free, &free), cudaErrorECCUncorrectable);
  waiter.join();
}

// "Returns a string containing the name of an error code in the enum." "Returns the description
// string for an error code."
TEST_F(Errors, HaveNamesAndSentences) {
  EXPECT_STREQ(cudaGetErrorName(cudaSuccess), "cudaSuccess");
  EXPECT_STREQ(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
  EXPECT_STREQ(cudaGetErrorName(cudaErrorUnknown), "cudaErrorUnknown");
  // "If the error code is not recognized, "unrecognized error code" is returned."
  EXPECT_STREQ(cudaGetErrorName(static_cast<cudaError_t>(12345)), "unrecognized error code");
  EXPECT_STREQ(cudaGetErrorString(static_cast<cudaError_t>(12345)), "unrecognized error code");
}

class BadSettings : public SimulatorTest {
 protected:
  void TearDown() override {
    for (const char* name : {"DEVICES", "MEMORY", "FAULTS", "LEDGER"}) {
      unsetenv(("CUDA_SHUTDOWN_SIM_" + std::string(name)).c_str());
    }
  }

  // The line on stderr.
  static std::string complaint(const std::string& name, const std::string& value) {
    setenv(("CUDA_SHUTDOWN_SIM_" + name).c_str(), value.c_str(), 1);
    testing::internal::CaptureStderr();
    reset_from_environment();
    unsetenv(("CUDA_SHUTDOWN_SIM_" + name).c_str());
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(BadSettings, AreSaidInOneLineAndFailEveryCall) {
  EXPECT_EQ(complaint("DEVICES", "two"),
            "Expected CUDA_SHUTDOWN_SIM_DEVICES to be an integer from 0 to 64, got `two`\n");
  int count = 0;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorInitializationError);
  EXPECT_EQ(cudaFree(nullptr), cudaErrorInitializationError);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorInitializationError);
  EXPECT_EQ(cudaDriverGetVersion(&count), cudaErrorInitializationError);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInitializationError);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInitializationError);
}

TEST_F(BadSettings, OfEachKindAreRefused) {
  for (const char* value : {"", "65", "-1", "1.5", " 1", "1 "}) {
    EXPECT_NE(complaint("DEVICES", value).find("got `" + std::string(value) + "`"),
              std::string::npos);
  }
  for (const char* value : {"", "0", "GiB", "16GB", "-1GiB", "16 GiB", "99999999999TiB"}) {
    EXPECT_NE(complaint("MEMORY", value).find("Expected CUDA_SHUTDOWN_SIM_MEMORY to be"),
              std::string::npos)
        << value;
  }
  for (const char* value :
       {"cudaFree",         "cudaFree=",        "cudaNothing=hang",    "cudaFree=explode",
        "cudaFree=error",   "cudaFree=error:0", "cudaFree=error:5000", "cudaFree=error:x",
        "cudaFree=slow",    "cudaFree=slow:-1", "cudaFree=hang:",      "cudaFree=abort:1",
        "cudaFree#0=hang",  "cudaFree#x=hang",  "cudaFree@1=hang",     "cudaFree@x=hang",
        "cudaFree@-1=hang", "cudaFree=hang,",   ",cudaFree=hang",      "cudaFree@0#1=hang"}) {
    EXPECT_NE(complaint("FAULTS", value).find("Expected CUDA_SHUTDOWN_SIM_FAULTS to be"),
              std::string::npos)
        << value;
    EXPECT_EQ(cudaFree(nullptr), cudaErrorInitializationError) << value;
  }
  EXPECT_NE(complaint("LEDGER", "/nowhere/at/all").find("got `/nowhere/at/all`"),
            std::string::npos);
}

TEST_F(BadSettings, AreNotTheGoodOnes) {
  setenv("CUDA_SHUTDOWN_SIM_DEVICES", "2", 1);
  setenv("CUDA_SHUTDOWN_SIM_MEMORY", "3GiB", 1);
  setenv("CUDA_SHUTDOWN_SIM_FAULTS", "cudaFree#2@1=error:2,cudaMalloc=slow:0", 1);
  reset_from_environment();
  int count = 0;
  ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 2);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  std::size_t free = 0;
  std::size_t total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(total, 3ULL << 30);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaErrorMemoryAllocation);
  EXPECT_EQ(parse_memory("1048576"), kMiB);
  EXPECT_EQ(parse_memory("1024KiB"), kMiB);
  EXPECT_EQ(parse_memory("1TiB"), 1ULL << 40);
}

}  // namespace
}  // namespace cuda_simulator

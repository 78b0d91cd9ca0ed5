// The runtime in the child of a fork, and at the end of a process.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class Processes : public SimulatorTest {
 protected:
  // The exit status of a child that runs the body; -1: it ended otherwise.
  template <typename Body>
  static int in_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

// cudaErrorInitializationError: "The API call failed because the CUDA driver and runtime could not
// be initialized." A context does not outlive a fork.
TEST_F(Processes, ForkedFromOneThatUsesTheRuntimeCannotUseIt) {
  ASSERT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(in_child([] {
              void* pointer = nullptr;
              return static_cast<int>(cudaMalloc(&pointer, 1));
            }),
            cudaErrorInitializationError);
  EXPECT_EQ(in_child([] {
              int count = 0;
              return static_cast<int>(cudaGetDeviceCount(&count));
            }),
            cudaErrorInitializationError);
}

// "Returns the last error that has been produced by any of the runtime calls in the same instance
// of the CUDA Runtime library in the host thread"
TEST_F(Processes, ForkedKnowsTheErrorAsItsLast) {
  ASSERT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(in_child([] {
              static_cast<void>(cudaDeviceSynchronize());
              return static_cast<int>(cudaPeekAtLastError());
            }),
            cudaErrorInitializationError);
}

TEST_F(Processes, ForkedLeavesTheParentsMemoryAlone) {
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, kMiB), cudaSuccess);
  EXPECT_EQ(in_child([&] { return static_cast<int>(cudaFree(pointer)); }),
            cudaErrorInitializationError);
  EXPECT_EQ(ledger(0).used_bytes, kMiB);
  EXPECT_EQ(cudaFree(pointer), cudaSuccess);
}

// A stream's thread holds locks that a fork may catch; the child must not wait for them.
TEST_F(Processes, ForkedInTheMiddleOfWorkDoesNotHang) {
  const cudaStream_t stream = make_stream();
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 50; ++i) {
      ASSERT_EQ(cudaLaunchHostFunc(
                    stream, [](void*) {}, nullptr),
                cudaSuccess);
    }
    EXPECT_EQ(in_child([&] { return static_cast<int>(cudaStreamSynchronize(stream)); }),
              cudaErrorInitializationError);
  }
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
}

// The exit status of this program, run again for nothing but its exit: see kExits.
int status_of_exit(const char* when) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("CUDA_SIMULATOR_TEST_EXIT", when, 1);
    ::execl("/proc/self/exe", "simulator_tests", "--gtest_filter=Processes.BeginTheRuntime",
            nullptr);
    ::_exit(127);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void exit_with_what_the_runtime_answers() { ::_exit(100 + static_cast<int>(cudaFree(nullptr))); }

bool exits(const char* when) {
  const char* wanted = std::getenv("CUDA_SIMULATOR_TEST_EXIT");
  return wanted != nullptr && std::string(wanted) == when;
}

// Registered before main(), and so before the runtime begins.
const bool kExits = [] {
  if (exits("before")) std::atexit(exit_with_what_the_runtime_answers);
  return true;
}();

TEST_F(Processes, BeginTheRuntime) {
  ASSERT_EQ(cudaFree(nullptr), cudaSuccess);
  if (exits("after")) std::atexit(exit_with_what_the_runtime_answers);
}

// cudaErrorCudartUnloading: "a CUDA Runtime API call cannot be executed because it is being called
// during process shut down, at a point in time after CUDA driver has been unloaded." Handlers run
// last in, first out: what was registered before the runtime began runs after it has ended.
TEST_F(Processes, ThatExitFindTheRuntimeUnloaded) {
  EXPECT_EQ(status_of_exit("before"), 100 + cudaErrorCudartUnloading);
}

TEST_F(Processes, ThatExitUseTheRuntimeUntilItsOwnHandler) {
  EXPECT_EQ(status_of_exit("after"), 100 + cudaSuccess);
}

}  // namespace
}  // namespace cuda_simulator

// A program that is linked to the shared runtime: to NVIDIA's where there is a toolkit. It runs on
// the simulator's library by LD_LIBRARY_PATH.
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace {

template <typename Function>
Function function_named(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

TEST(Library, IsTheSimulators) {
  Dl_info info{};
  ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, "cudaMalloc"), &info), 0);
  EXPECT_EQ(std::string(info.dli_fname), std::string(LIBRARY_FOLDER) + "/libcudart.so.13");
}

TEST(Library, HasTheRuntimesVersionOnItsSymbols) {
  EXPECT_NE(dlvsym(RTLD_DEFAULT, "cudaMalloc", "libcudart.so.13"), nullptr);
  EXPECT_EQ(dlvsym(RTLD_DEFAULT, "cudaMalloc", "libcudart.so.12"), nullptr);
}

TEST(Library, RunsAProgram) {
  int count = 0;
  ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  ASSERT_EQ(count, 3) << "CUDA_SHUTDOWN_SIM_DEVICES";
  ASSERT_EQ(cudaSetDevice(2), cudaSuccess);
  cudaStream_t stream = nullptr;
  void* memory = nullptr;
  std::vector<int> values = {1, 2, 3};
  std::vector<int> back(3);
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&memory, 12, stream), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(memory, values.data(), 12, cudaMemcpyHostToDevice, stream),
            cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(back.data(), memory, 12, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(back, values);
  ASSERT_EQ(cudaFreeAsync(memory, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

// The structures have NVIDIA's layout whichever header the library was compiled with.
TEST(Library, FillsTheRuntimesStructures) {
  cudaDeviceProp properties{};
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 1), cudaSuccess);
  EXPECT_EQ(sizeof(properties), 1008U);
  EXPECT_STREQ(properties.name, "Simulated device 1");
  EXPECT_EQ(properties.memoryPoolsSupported, 1);
  EXPECT_EQ(properties.pciBusID, 2);
}

TEST(Library, SaysOnceWhatItDoesNotSimulateAndNeverSucceeds) {
  const char* const names[] = {
#define X(name) #name,
#include "simulator/library/not_simulated.inc"
#undef X
  };
  for (const char* name : names) {
    const auto function = function_named<int (*)()>(name);
    ASSERT_NE(function, nullptr) << name;
    static_cast<void>(cudaGetLastError());
    testing::internal::CaptureStderr();
    EXPECT_EQ(function(), cudaErrorNotSupported) << name;
    EXPECT_EQ(cudaGetLastError(), cudaErrorNotSupported) << name;
    EXPECT_EQ(function(), cudaErrorNotSupported) << name;
    EXPECT_EQ(
        testing::internal::GetCapturedStderr(),
        "cuda_simulator: " + std::string(name) + " is not simulated: cudaErrorNotSupported\n");
  }
}

// What nvcc's programs call before main() does not fail; the launch does.
TEST(Library, RegistersKernelsButLaunchesNone) {
  EXPECT_NE(function_named<void** (*)(void*)>("__cudaRegisterFatBinary")(nullptr), nullptr);
  testing::internal::CaptureStderr();
  EXPECT_NE(function_named<unsigned int (*)()>("__cudaPushCallConfiguration")(), 0U);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotSupported) << "as after <<<…>>>";
  testing::internal::GetCapturedStderr();
}

TEST(Library, AnswersTheDeprecatedWayToTheDriver) {
  using Way = cudaError_t (*)(const char*, void**, unsigned long long, int*);
  void* function = nullptr;
  int status = -1;
  ASSERT_EQ(function_named<Way>("cudaGetDriverEntryPoint")("cuInit", &function, 0, &status),
            cudaSuccess);
  EXPECT_NE(function, nullptr);
  EXPECT_EQ(status, cudaDriverEntryPointSuccess);
}

}  // namespace

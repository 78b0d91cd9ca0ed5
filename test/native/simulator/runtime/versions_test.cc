// The versions of the runtime and of its driver, and what the driver's entry points are asked for.
#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class Versions : public RuntimeTest {};

// "Returns in *runtimeVersion the version number of the current CUDA Runtime instance."
TEST_F(Versions, OfTheRuntimeIsThatOfItsHeader) {
  int version = 0;
  ASSERT_EQ(cudaRuntimeGetVersion(&version), cudaSuccess);
  EXPECT_EQ(version / 1000, CUDART_VERSION / 1000);
}

// "Returns in *driverVersion the latest version of CUDA supported by the driver."
TEST_F(Versions, OfTheDriverIsNoOlderMajorThanTheRuntimes) {
  int runtime = 0;
  int driver = 0;
  ASSERT_EQ(cudaRuntimeGetVersion(&runtime), cudaSuccess);
  ASSERT_EQ(cudaDriverGetVersion(&driver), cudaSuccess);
  EXPECT_GE(driver / 1000, runtime / 1000);
}

// "This function automatically returns cudaErrorInvalidValue if driverVersion is NULL." "This
// function automatically returns cudaErrorInvalidValue if the runtimeVersion argument is NULL."
TEST_F(Versions, NeedSomewhereToBePut) {
  EXPECT_EQ(cudaDriverGetVersion(nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaRuntimeGetVersion(nullptr), cudaErrorInvalidValue);
}

// "If a per-thread version is not found, the API will return the legacy version of the driver
// function."
TEST_F(Versions, EntryPointsWithoutAFormOfTheThreadAreTheLegacyOnes) {
  void* legacy = nullptr;
  void* of_the_thread = nullptr;
  ASSERT_EQ(
      cudaGetDriverEntryPointByVersion("cuInit", &legacy, 12000, cudaEnableLegacyStream, nullptr),
      cudaSuccess);
  ASSERT_EQ(cudaGetDriverEntryPointByVersion("cuInit", &of_the_thread, 12000,
                                             cudaEnablePerThreadDefaultStream, nullptr),
            cudaSuccess);
  EXPECT_NE(legacy, nullptr);
  EXPECT_EQ(of_the_thread, legacy);
}

// "cudaDriverEntryPointSymbolNotFound - The requested symbol was not found"
TEST_F(Versions, EntryPointsThatThereAreNotAreToldApart) {
  void* function = &function;
  cudaDriverEntryPointQueryResult status{};
  ASSERT_EQ(cudaGetDriverEntryPointByVersion("cuNoSuchThing", &function, 12000, cudaEnableDefault,
                                             &status),
            cudaSuccess);
  EXPECT_EQ(status, cudaDriverEntryPointSymbolNotFound);
  EXPECT_EQ(function, nullptr);
}

}  // namespace
}  // namespace cuda_simulator

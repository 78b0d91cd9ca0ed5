// The process's runtime, once in each child: it is made at first use and stays.
#include "core/runtime.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "simulator/control.h"

namespace cuda_shutdown {
namespace {

TEST(RuntimeTest, FindsTheDevicesWithoutAContext) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        cuda_simulator::reset({.devices = 2, .memory = 1ULL << 30U});
        Runtime& runtime = Runtime::instance();
        const auto& properties = runtime.device(1).properties();
        std::fprintf(stderr, "%d devices, code %d, %d, %s, %s, %llu, pools %d, context %d\n",
                     runtime.probe().device_count, static_cast<int>(runtime.probe().code),
                     properties.index, properties.uuid.c_str(), properties.pci_bus_id.c_str(),
                     static_cast<unsigned long long>(properties.total_memory),
                     properties.memory_pools_supported ? 1 : 0,
                     runtime.device(1).context().initialised() ? 1 : 0);
        std::_Exit(runtime.probe().runtime_version > 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0),
      "2 devices, code 0, 1, "
      "GPU-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}, "
      "[0-9a-fA-F]+:[0-9a-fA-F]+:[0-9a-fA-F]+\\.0, 1073741824, pools 1, context 0");
}

TEST(RuntimeTest, BeginsAnewWithOtherDevicesWhileThereIsNoModel) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        cuda_simulator::reset({.devices = 2});
        auto presence = Runtime::instance().device(1).presence();
        const auto change = [] { cuda_simulator::reset({.devices = 3}); };
        try {
          Runtime::begin_anew(change);
        } catch (const std::logic_error& error) {
          std::fprintf(stderr, "%s; ", error.what());
        }
        const int before = Runtime::instance().probe().device_count;
        presence.reset();
        Runtime::begin_anew(change);
        std::fprintf(stderr, "%d, then %d\n", before, Runtime::instance().probe().device_count);
        std::_Exit(0);
      },
      testing::ExitedWithCode(0),
      "Expected no model when the runtime begins anew, got 1: unload them first; 2, then 3");
}

TEST(RuntimeTest, TellsWhyThereIsNoDevice) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const char* fault : {"cudaGetDeviceCount=error:35", "cudaGetDeviceProperties=error:35",
                            "cudaDeviceGetPCIBusId=error:35", "cudaDeviceGetAttribute=error:35"}) {
    EXPECT_EXIT(
        {
          cuda_simulator::reset({.faults = fault});
          const Probe& probe = Runtime::instance().probe();
          const bool clean = cudaPeekAtLastError() == cudaSuccess;
          std::_Exit(probe.code == cudaErrorInsufficientDriver && probe.device_count == 0 && clean
                         ? 0
                         : 1);
        },
        testing::ExitedWithCode(0), "")
        << fault;
  }
}

}  // namespace
}  // namespace cuda_shutdown

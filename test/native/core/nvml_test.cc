// NVML through a stub of its library (../nvml/stub.cc). It is opened once in a process: in
// children.
#include "core/nvml.h"

#include <cstdlib>

#include "fixture.h"

namespace cuda_shutdown {
namespace {

constexpr const char* bus_id = "0000:01:00.0";

class NvmlTest : public CoreTest {
 protected:
  NvmlTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  // In a child: what NVML says.
  static void exit_if_told(std::optional<std::uint64_t> expected, const char* of = bus_id) {
    std::_Exit(nvml_process_bytes(of) == expected ? 0 : 1);
  }
};

TEST_F(NvmlTest, KnowsTheProcess) {
  EXPECT_EXIT(
      {
        setenv("NVML_STUB_BYTES", "5000000000", 1);
        exit_if_told(5'000'000'000U);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(NvmlTest, KnowsTheProcessAmongMoreThanItMadeRoomFor) {
  for (const char* others : {"15", "16", "40"}) {
    EXPECT_EXIT(
        {
          setenv("NVML_STUB_OTHERS", others, 1);
          setenv("NVML_STUB_BYTES", "42", 1);
          exit_if_told(42U);
        },
        testing::ExitedWithCode(0), "")
        << others;
  }
}

TEST_F(NvmlTest, KnowsNothingOfAProcessThatIsNotListed) {
  EXPECT_EXIT(
      {
        setenv("NVML_STUB_OTHERS", "3", 1);
        exit_if_told(std::nullopt);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(NvmlTest, KnowsNothingWhereTheDriverCannotTell) {
  EXPECT_EXIT(
      {
        setenv("NVML_STUB_BYTES", "0xffffffffffffffff", 1);
        exit_if_told(std::nullopt);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(NvmlTest, KnowsNothingOfAnotherDeviceOrAfterAFailure) {
  EXPECT_EXIT(
      {
        setenv("NVML_STUB_BYTES", "42", 1);
        exit_if_told(std::nullopt, "0000:02:00.0");
      },
      testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        setenv("NVML_STUB_BYTES", "42", 1);
        setenv("NVML_STUB", "9", 1);
        exit_if_told(std::nullopt);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(NvmlTest, IsAskedFirstForTheProcessesMemory) {
  const auto asked_first = [this] {
    setenv("NVML_STUB_BYTES", "42", 1);
    const auto model = model_of(1, MiB);
    const auto held = on_device(device(), [this] { return process_memory(device(), true); });
    std::_Exit(held && held->from_nvml && held->bytes == 42 ? 0 : 1);
  };
  EXPECT_EXIT(asked_first(), testing::ExitedWithCode(0), "");
  const auto falls_back = [this] {
    const auto model = model_of(1, MiB);
    const auto held = on_device(device(), [this] { return process_memory(device(), true); });
    std::_Exit(held && !held->from_nvml && held->bytes >= MiB ? 0 : 1);
  };
  EXPECT_EXIT(falls_back(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace cuda_shutdown

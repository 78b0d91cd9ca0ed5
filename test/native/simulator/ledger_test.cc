#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class LedgerFile : public SimulatorTest {
 protected:
  LedgerFile() {
    char path[] = "/tmp/cuda-simulator-ledger-XXXXXX";
    const int file = mkstemp(path);
    EXPECT_GE(file, 0);
    close(file);
    path_ = path;
  }
  ~LedgerFile() override { unlink(path_.c_str()); }

  // As a reader outside the process sees it: offsets only.
  std::vector<char> bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::uint64_t at(std::size_t offset) const {
    std::uint64_t value = 0;
    const auto content = bytes();
    EXPECT_GE(content.size(), offset + sizeof(value));
    std::memcpy(&value, content.data() + offset, sizeof(value));
    return value;
  }

  std::string path_;
};

TEST_F(LedgerFile, HasItsLayout) {
  begin({.devices = 3, .ledger = path_});
  const auto content = bytes();
  ASSERT_EQ(content.size(), 64U + 3 * 128);
  EXPECT_EQ(std::memcmp(content.data(), "CUDALEDG", 8), 0);
  std::uint32_t header[2];
  std::memcpy(header, content.data() + 8, sizeof(header));
  EXPECT_EQ(header[0], 1U);
  EXPECT_EQ(header[1], 3U);
  EXPECT_EQ(at(24), static_cast<std::uint64_t>(getpid()));
}

TEST_F(LedgerFile, IsLive) {
  begin({.devices = 2, .ledger = path_});
  constexpr std::size_t kSecond = 64 + 128;
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(at(32), 1U) << "calls";
  EXPECT_EQ(at(kSecond + 48), 1U) << "context";
  EXPECT_EQ(at(64 + 48), 0U);
  void* pinned = nullptr;
  ASSERT_EQ(cudaMallocHost(&pinned, 4096), cudaSuccess);
  EXPECT_EQ(at(16), 4096U);
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  EXPECT_EQ(at(kSecond + 72), 1U) << "streams";
  EXPECT_EQ(at(kSecond + 80), 1U) << "events";
  void* pointer = nullptr;
  ASSERT_EQ(cudaMallocAsync(&pointer, 1000, stream), cudaSuccess);
  EXPECT_EQ(at(kSecond), 1000U) << "used, as requested";
  EXPECT_EQ(at(kSecond + 8), 32 * kMiB) << "reserved";
  EXPECT_EQ(at(kSecond + 16), 1U) << "live";
  ASSERT_EQ(cudaFreeAsync(pointer, stream), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(pointer, stream), cudaErrorInvalidValue);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(at(kSecond), 0U);
  EXPECT_EQ(at(kSecond + 8), 0U) << "the default pool's threshold is 0";
  EXPECT_EQ(at(kSecond + 16), 0U);
  EXPECT_EQ(at(kSecond + 24), 1U) << "allocations";
  EXPECT_EQ(at(kSecond + 32), 1U) << "frees";
  EXPECT_EQ(at(kSecond + 40), 1000U) << "peak";
  EXPECT_EQ(at(kSecond + 64), 1U) << "invalid frees";
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  ASSERT_EQ(cudaEventDestroy(event), cudaSuccess);
  EXPECT_EQ(at(kSecond + 72), 0U);
  EXPECT_EQ(at(kSecond + 80), 0U);
}

// Who looks on from outside knows by it that the call is reached, before it comes back.
TEST_F(LedgerFile, CountsFaultsOnTheirDeviceWhenTheyAct) {
  begin({.devices = 2, .faults = "cudaMemGetInfo#2=error:1,cudaFree=hang", .ledger = path_});
  constexpr std::size_t kSecond = 64 + 128;
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  std::size_t free = 0;
  std::size_t total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(at(kSecond + 88), 0U);
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaErrorInvalidValue);
  EXPECT_EQ(at(kSecond + 88), 1U);
  std::thread hangs([] { cudaFree(nullptr); });
  ASSERT_TRUE(wait_for_call("cudaFree", 1, std::chrono::seconds(10)));
  EXPECT_EQ(at(64 + 88), 1U) << "of the thread's own device";
  EXPECT_EQ(at(kSecond + 88), 1U);
  release_hangs();
  hangs.join();
}

TEST_F(LedgerFile, BeginsAnew) {
  std::ofstream(path_) << std::string(100000, 'x');
  begin({.devices = 1, .ledger = path_});
  EXPECT_EQ(bytes().size(), 64U + 128);
  EXPECT_EQ(at(64), 0U);
}

using LedgerFileDeathTest = LedgerFile;

// What the process held stays readable, however it went.
TEST_F(LedgerFileDeathTest, OutlivesTheProcess) {
  GTEST_FLAG_SET(death_test_style, "fast");  // the child shares path_
  EXPECT_EXIT(
      {
        begin({.devices = 1, .ledger = path_});
        void* pointer = nullptr;
        cudaMalloc(&pointer, 5 * kMiB);
        inject("cudaFree=sticky:719");
        cudaFree(pointer);
        kill(getpid(), SIGKILL);
      },
      testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(at(64), 5 * kMiB);
  EXPECT_EQ(at(64 + 56), 719U);
}

}  // namespace
}  // namespace cuda_simulator

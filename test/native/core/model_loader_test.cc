// Loading: every byte arrives, and whatever goes wrong, everything taken is given back.
#include "core/model_loader.h"

#include <algorithm>

#include "loader_fixture.h"

namespace cuda_shutdown {
namespace {

class ModelLoaderTest : public LoaderTest {};

TEST_F(ModelLoaderTest, LoadsEveryByte) {
  write(content_of(100'000));
  expect_loads(dense({1000, 24, 3000, 1, 65'536, 777}));
}

TEST_F(ModelLoaderTest, LoadsEmptyTensors) {
  write(content_of(1000));
  expect_loads({{0, 0}, {0, 0}, {0, 600}, {600, 0}, {600, 400}, {1000, 0}});
  expect_loads({{0, 0}, {0, 0}});
  expect_loads({});
}

TEST_F(ModelLoaderTest, LeavesHolesOut) {
  write(content_of(10'000));
  expect_loads({{100, 900}, {1000, 24}, {2048, 0}, {4000, 3000}, {9999, 1}});
}

TEST_F(ModelLoaderTest, LoadsTensorsThatAreLargerThanItsChunks) {
  write(content_of(15 * MiB));
  expect_loads(dense({10, 9 * MiB + 3, 20, 5 * MiB, 0, 1}));
}

TEST_F(ModelLoaderTest, LoadsAWholeNumberOfChunks) {
  write(content_of(8 * MiB));
  expect_loads(dense({8 * MiB}));
}

TEST_F(ModelLoaderTest, LoadsThousandsOfSmallTensors) {
  constexpr std::size_t count = 3000;
  write(content_of(count * 100));
  expect_loads(dense(std::vector<std::uint64_t>(count, 100)));
}

TEST_F(ModelLoaderTest, LoadsWithoutPools) {
  begin({.memory_pools = false});
  write(content_of(6 * MiB));
  expect_loads(dense({1000, 5 * MiB, 24}));
}

TEST_F(ModelLoaderTest, TellsItsProgress) {
  write(content_of(20 * MiB));
  cuda_simulator::inject("cudaMemcpyAsync=slow:20");
  std::vector<std::uint64_t> reports;
  const auto model =
      load(dense({20 * MiB}), [&](std::uint64_t bytes) { reports.push_back(bytes); });
  ASSERT_FALSE(reports.empty());
  EXPECT_TRUE(std::is_sorted(reports.begin(), reports.end()));
  EXPECT_GT(reports.front(), 0U);
  EXPECT_LE(reports.back(), 20 * MiB);
  Release release(model);
  release.settled();
}

TEST_F(ModelLoaderTest, FailsOnATruncatedFile) {
  write(content_of(9 * MiB));
  file_->truncate(9 * MiB - 1);
  EXPECT_THROW(load(dense({1000, 9 * MiB - 1000})), TruncatedFile);
  expect_given_back();
  file_->truncate(0);
  EXPECT_THROW(load(dense({1000})), TruncatedFile);
  expect_given_back();
}

TEST_F(ModelLoaderTest, FailsOnAFullDevice) {
  begin({.memory = 64 * MiB});
  write(content_of(1000));
  try {
    load(dense({1000, 32 * MiB, 63 * MiB}));
    FAIL();
  } catch (const CudaException& exception) {
    EXPECT_EQ(exception.failure().code, cudaErrorMemoryAllocation);
    EXPECT_STREQ(exception.failure().call, "cudaMallocFromPoolAsync");
  }
  EXPECT_EQ(device().requests().read().out_of_memory, 1U);
  expect_given_back();
  expect_loads(dense({1000}));
}

TEST_F(ModelLoaderTest, IsCancelledAnywhere) {
  for (const char* call : {"cudaStreamCreateWithFlags", "cudaMallocFromPoolAsync", "cudaHostAlloc",
                           "cudaMemcpyAsync", "cudaEventRecord"}) {
    begin({});
    write(content_of(9 * MiB));
    cuda_simulator::inject(std::string(call) + "#1=hang");
    auto load = submit(dense({1000, 9 * MiB - 1000}));
    expect_call_after(call, 0);
    load.handle.cancel();
    cuda_simulator::release_hangs();
    EXPECT_TRUE(ended_early(load.over().outcome)) << call;
    EXPECT_EQ(*load.model, nullptr) << call;
    expect_given_back();
  }
}

TEST_F(ModelLoaderTest, GivesBackWhenItComesBackFromBeingStuck) {
  write(content_of(9 * MiB));
  cuda_simulator::inject("cudaMemcpyAsync#2=hang");
  auto load = submit(dense({1000, 9 * MiB - 1000}));
  expect_call_after("cudaMemcpyAsync", 1);
  load.handle.cancel();
  EXPECT_EQ(load.callbacks.settled().outcome, Outcome::stuck);
  EXPECT_EQ(cuda_simulator::ledger(0).used_bytes, 9 * MiB);
  cuda_simulator::release_hangs();
  load.callbacks.expect_return();
  EXPECT_EQ(*load.model, nullptr);
  expect_given_back();
}

// Every call that the loader makes, each at every time that it makes it.
TEST_F(ModelLoaderTest, GivesEverythingBackWhenACallFails) {
  for (const std::string call :
       {"cudaSetDevice", "cudaMemGetInfo", "cudaMemPoolCreate", "cudaMemPoolSetAttribute",
        "cudaStreamCreateWithFlags", "cudaEventCreateWithFlags", "cudaMallocFromPoolAsync",
        "cudaHostAlloc", "cudaMemcpyAsync", "cudaEventRecord", "cudaEventQuery"}) {
    bool reached = true;
    for (int nth = 1; reached && nth < 12; ++nth) {
      begin({});
      write(content_of(9 * MiB));
      const auto fault = call + "#" + std::to_string(nth) + "=error:1";
      cuda_simulator::inject(fault);
      auto load = submit(dense({1000, 9 * MiB - 1000, 0}));
      const auto settlement = load.over();
      reached = settlement.outcome == Outcome::failed;
      EXPECT_TRUE(reached || nth > 1) << fault;
      if (reached) {
        EXPECT_EQ(failure_of(settlement.error).call, call) << fault;
        EXPECT_EQ(*load.model, nullptr) << fault;
      } else {
        // The fault may meet the release instead, which then is repeated.
        Release first(*load.model);
        first.over();
        Release second(*load.model);
        EXPECT_EQ(second.settled().settlement.outcome, Outcome::done);
      }
      expect_given_back();
      if (HasFailure()) return;
    }
  }
}

TEST_F(ModelLoaderTest, TriesAgainWhatIsRefusedWhenItGivesBack) {
  write(content_of(9 * MiB));
  cuda_simulator::inject("cudaMemcpyAsync#2=error:1,cudaFreeAsync#1=error:400");
  EXPECT_THROW(load(dense({1000, 9 * MiB - 1000})), CudaException);
  expect_given_back();
  EXPECT_EQ(cuda_simulator::calls("cudaFreeAsync"), 3U);
}

// A load that failed gives back until it has: also where every call on the way back fails more than
// once.
TEST_F(ModelLoaderTest, GivesBackThroughManyFailures) {
  for (const std::string call : {"cudaFreeAsync", "cudaEventRecord", "cudaEventQuery"}) {
    begin({});
    write(content_of(9 * MiB));
    std::string faults = "cudaMemcpyAsync#1=error:1";
    for (int nth = 1; nth <= 6; ++nth)
      faults += "," + call + "#" + std::to_string(nth) + "=error:1";
    cuda_simulator::inject(faults);
    EXPECT_THROW(load(dense({1000, 9 * MiB - 1000})), CudaException) << call;
    EXPECT_TRUE(becomes_true([] { return cuda_simulator::ledger(0).live_streams == 0; })) << call;
    expect_given_back();
  }
}

// A second failure on the way back does not hide the first.
TEST_F(ModelLoaderTest, TellsTheFirstFailure) {
  write(content_of(9 * MiB));
  cuda_simulator::inject("cudaMemcpyAsync#2=error:1,cudaEventQuery#1=error:400");
  EXPECT_STREQ(failure_of(submit(dense({1000, 1000})).over().error).call, "cudaMemcpyAsync");
  expect_given_back();
}

TEST_F(ModelLoaderTest, MakesNoCallAfterALoss) {
  write(content_of(9 * MiB));
  cuda_simulator::inject("cudaMemcpyAsync#2=sticky:719");
  auto load = submit(dense({1000, 9 * MiB - 1000}));
  const CudaFailure failure = failure_of(load.over().error);
  EXPECT_EQ(failure.code, cudaErrorLaunchFailure);
  EXPECT_STREQ(failure.call, "cudaMemcpyAsync") << "not what answered after it";
  for (const char* call :
       {"cudaFreeAsync", "cudaFreeHost", "cudaEventDestroy", "cudaStreamDestroy"}) {
    EXPECT_EQ(cuda_simulator::calls(call), 0U) << call;
  }
}

TEST_F(ModelLoaderTest, KeepsItsFileOpenForAThreadLeftBehind) {
  write(content_of(9 * MiB));
  cuda_simulator::inject("cudaHostAlloc#1=hang");
  auto load = submit(dense({9 * MiB}));
  expect_call_after("cudaHostAlloc", 0);
  file_.reset();  // The caller's descriptor.
  cuda_simulator::release_hangs();
  EXPECT_EQ(load.over().outcome, Outcome::done);
  EXPECT_TRUE(is_on_device(content_));
  Release release(*load.model);
  release.settled();
}

}  // namespace
}  // namespace cuda_shutdown

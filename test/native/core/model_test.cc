// A model's blocks: each is freed once, and the counts agree with the device's at every end.
#include "core/model.h"

#include <algorithm>

#include "fixture.h"

namespace cuda_shutdown {
namespace {

class ModelTest : public CoreTest {
 protected:
  // What the model says it has freed and still holds is what the device says.
  static void expect_true_counts(const Model& model) {
    const auto ledger = cuda_simulator::ledger(0);
    EXPECT_EQ(model.bytes() - model.freed_bytes(), ledger.used_bytes);
    EXPECT_EQ(ledger.total_frees, model.freed_blocks());
    EXPECT_EQ(ledger.invalid_frees, 0U);
  }
};

TEST_F(ModelTest, HoldsABlockATensorAndNoneForAnEmptyOne) {
  const auto model = on_device(device(), [this] {
    auto made = std::make_shared<Model>(device(), 3);
    EXPECT_NE(made->add_block(1000), nullptr);
    EXPECT_EQ(made->add_block(0), nullptr);
    EXPECT_NE(made->add_block(24), nullptr);
    return made;
  });
  EXPECT_EQ(model->bytes(), 1024U);
  EXPECT_EQ(cuda_simulator::ledger(0).live_allocations, 2U);
  EXPECT_EQ(cuda_simulator::ledger(0).used_bytes, 1024U);
  EXPECT_EQ(device().requests().read().blocks.current, 2U);
  EXPECT_EQ(device().requests().read().bytes.current, 1024U);

  Release release(model);
  EXPECT_EQ(release.settled().settlement.outcome, Outcome::done);
  EXPECT_TRUE(model->released());
  EXPECT_EQ(model->freed_bytes(), 1024U);
  EXPECT_EQ(model->freed_blocks(), 2U);
  EXPECT_EQ(device().requests().read().blocks.current, 0U);
  EXPECT_EQ(device().requests().read().bytes.freed, 1024U);
  expect_nothing_held();
}

using Held = std::vector<std::size_t>;

TEST_F(ModelTest, TellsWhichTensorsItHolds) {
  const auto model = on_device(device(), [this] {
    auto made = std::make_shared<Model>(device(), 4);
    for (const std::uint64_t bytes : {KiB, 0UL, KiB, KiB}) made->add_block(bytes);
    return made;
  });
  EXPECT_EQ(model->held(), (Held{0, 2, 3}));
  cuda_simulator::inject("cudaFreeAsync#2=error:1");
  EXPECT_EQ(Release(model).over(), Outcome::failed);
  EXPECT_EQ(model->held(), (Held{2}));
  EXPECT_EQ(Release(model).over(), Outcome::done);
  EXPECT_EQ(model->held(), Held());
}

// The frees are behind it in the stream.
TEST_F(ModelTest, HoldsWhatItsStreamHasNotReached) {
  const auto model = model_of(3, KiB);
  Gate behind;
  behind.hold(model->stream());
  Release release(model);
  expect_call_after("cudaEventRecord", 0);
  release.cancel();
  release.over();
  EXPECT_EQ(model->held(), (Held{0, 1, 2}));
  behind.open();
  EXPECT_EQ(Release(model).over(), Outcome::done);
  EXPECT_EQ(model->held(), Held());
}

TEST_F(ModelTest, HoldsNothingOnceTheProcessEnds) {
  const auto model = model_of(3, KiB);
  cuda_simulator::inject("cudaFreeAsync#2=error:4");
  EXPECT_EQ(Release(model).over(), Outcome::done);
  EXPECT_EQ(model->held(), Held());
  EXPECT_EQ(model->freed_blocks(), 3U);
}

TEST_F(ModelTest, IsReleasedWithoutBlocks) {
  const auto model = model_of(0, 0);
  Release release(model);
  EXPECT_EQ(release.settled().settlement.outcome, Outcome::done);
  expect_nothing_held();
}

TEST_F(ModelTest, FreesNothingASecondTime) {
  const auto model = model_of(10, KiB);
  Release first(model);
  first.settled();
  const auto calls = cuda_simulator::calls("cudaFreeAsync");
  Release second(model);
  const auto settled = second.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::done);
  EXPECT_EQ(settled.freed_bytes, 0U);
  EXPECT_EQ(cuda_simulator::calls("cudaFreeAsync"), calls);
}

TEST_F(ModelTest, FreesTheRestAfterACancelledRelease) {
  constexpr std::size_t blocks = 2000;
  constexpr std::uint64_t total = blocks * KiB;
  const auto model = model_of(blocks, KiB);
  // The release goes through the 700th free when it is cancelled.
  cuda_simulator::inject("cudaFreeAsync#700=hang");
  const auto before = cuda_simulator::calls("cudaFreeAsync");
  Release first(model);
  expect_call_after("cudaFreeAsync", before + 699);
  first.cancel();
  cuda_simulator::release_hangs();
  EXPECT_TRUE(ended_early(first.over()));
  EXPECT_EQ(model->freed_blocks(), 700U);
  EXPECT_EQ(cuda_simulator::ledger(0).live_allocations, blocks - 700);
  expect_true_counts(*model);
  EXPECT_FALSE(model->released());

  Release second(model);
  const auto settled = second.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::done);
  EXPECT_EQ(settled.freed_blocks, blocks - 700);
  EXPECT_EQ(settled.freed_bytes, total - 700 * KiB);
  EXPECT_EQ(model->freed_bytes(), total);
  EXPECT_EQ(cuda_simulator::calls("cudaFreeAsync"), before + blocks);
  EXPECT_EQ(cuda_simulator::ledger(0).total_frees, blocks);
  expect_nothing_held();
}

TEST_F(ModelTest, IsInterruptedAtAnyMoment) {
  constexpr std::size_t blocks = 2000;
  const auto model = model_of(blocks, KiB);
  std::uint64_t freed = 0;
  int interruptions = 0;
  while (!model->released()) {
    const auto before = cuda_simulator::calls("cudaFreeAsync");
    Release release(model);
    // At the end there may be no further free to wait for.
    if (freed < blocks - 100) expect_call_after("cudaFreeAsync", before + 50);
    release.cancel();
    release.over();
    if (!model->released()) ++interruptions;
    EXPECT_GE(model->freed_blocks(), freed);
    freed = model->freed_blocks();
    EXPECT_EQ(device().requests().read().blocks.current, blocks - freed);
    expect_true_counts(*model);
    if (interruptions > 3) Release(model).settled();
  }
  EXPECT_EQ(cuda_simulator::calls("cudaFreeAsync"), blocks);
  expect_nothing_held();
}

TEST_F(ModelTest, KeepsABlockThatIsRefusedForTheNextRelease) {
  const auto model = model_of(5, KiB);
  cuda_simulator::inject("cudaFreeAsync#2=error:1,cudaFreeAsync#4=error:400");
  Release first(model);
  const auto settled = first.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::failed);
  const CudaFailure failure = failure_of(settled.settlement.error);
  EXPECT_EQ(failure.code, cudaErrorInvalidValue) << "the first";
  EXPECT_STREQ(failure.call, "cudaFreeAsync");
  EXPECT_EQ(settled.freed_blocks, 3U);
  EXPECT_EQ(settled.freed_bytes, 3 * KiB);
  expect_true_counts(*model);
  EXPECT_FALSE(model->released());

  Release second(model);
  const auto rest = second.settled();
  EXPECT_EQ(rest.settlement.outcome, Outcome::done);
  EXPECT_EQ(rest.freed_blocks, 2U);
  EXPECT_EQ(cuda_simulator::ledger(0).total_frees, 5U);
  expect_nothing_held();
}

TEST_F(ModelTest, TriesARefusedBlockAgainAndAgain) {
  const auto model = model_of(100, KiB);
  cuda_simulator::inject("cudaFreeAsync#1=error:1,cudaFreeAsync#101=error:1");
  for (int i = 0; i < 2; ++i) {
    Release refused(model);
    EXPECT_EQ(refused.settled().settlement.outcome, Outcome::failed);
    EXPECT_EQ(model->freed_blocks(), 99U);
  }
  Release last(model);
  EXPECT_EQ(last.settled().settlement.outcome, Outcome::done);
  expect_nothing_held();
}

// The refusal belongs to the release that met it.
TEST_F(ModelTest, ForgetsARefusalThatASecondFailureHid) {
  const auto model = model_of(3, KiB);
  cuda_simulator::inject("cudaFreeAsync#1=error:1,cudaEventRecord#1=error:400");
  Release first(model);
  EXPECT_EQ(failure_of(first.settled().settlement.error).code, cudaErrorInvalidResourceHandle);
  EXPECT_EQ(model->freed_blocks(), 0U) << "not confirmed";
  Release second(model);
  EXPECT_EQ(second.settled().settlement.outcome, Outcome::done);
  EXPECT_EQ(model->freed_blocks(), 3U);
  expect_nothing_held();
}

TEST_F(ModelTest, KeepsTrueBooksWhenItIsStuckAndComesBack) {
  const auto model = model_of(10, KiB);
  cuda_simulator::inject("cudaFreeAsync#4=hang");
  const auto before = cuda_simulator::calls("cudaFreeAsync");
  Release release(model);
  expect_call_after("cudaFreeAsync", before + 3);
  release.cancel();
  const auto settled = release.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::stuck);
  EXPECT_LE(settled.freed_bytes, 3 * KiB);
  EXPECT_EQ(cuda_simulator::ledger(0).total_frees, 3U);
  EXPECT_FALSE(model->released());

  cuda_simulator::release_hangs();
  release.expect_return();
  EXPECT_EQ(model->freed_blocks(), 4U) << "the call did its work after all";
  expect_true_counts(*model);

  Release rest(model);
  EXPECT_EQ(rest.settled().settlement.outcome, Outcome::done);
  EXPECT_EQ(cuda_simulator::ledger(0).total_frees, 10U);
  expect_nothing_held();
}

TEST_F(ModelTest, WaitsForItsStreamAndIsInterruptedThere) {
  const auto model = model_of(10, KiB);
  Gate stall;
  stall.hold(model->stream());
  const auto before = cuda_simulator::calls("cudaEventRecord");
  Release first(model);
  expect_call_after("cudaEventRecord", before);
  EXPECT_EQ(cuda_simulator::ledger(0).total_frees, 0U) << "accepted, not done";
  first.cancel();
  EXPECT_TRUE(ended_early(first.over()));
  EXPECT_EQ(model->freed_bytes(), 0U) << "what is freed has been seen to be";
  expect_true_counts(*model);

  stall.open();
  Release second(model);
  const auto settled = second.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::done);
  EXPECT_EQ(settled.freed_blocks, 10U);
  EXPECT_EQ(cuda_simulator::calls("cudaFreeAsync"), 10U) << "not asked for twice";
  expect_nothing_held();
}

TEST_F(ModelTest, IsInterruptedByItsDeadlineOnAStalledStream) {
  const auto model = model_of(10, KiB);
  Gate stall;
  stall.hold(model->stream());
  Release first(model, Clock::now() + std::chrono::milliseconds(30));
  EXPECT_TRUE(ended_early(first.over()));
  EXPECT_EQ(model->freed_bytes(), 0U);
  stall.open();
  Release second(model);
  EXPECT_EQ(second.settled().settlement.outcome, Outcome::done);
  expect_nothing_held();
}

TEST_F(ModelTest, WaitsForALateStream) {
  const auto model = model_of(10, KiB);
  Gate stall;
  stall.hold(model->stream());
  const auto before = cuda_simulator::calls("cudaEventQuery");
  Release release(model);
  expect_call_after("cudaEventQuery", before + 100);
  stall.open();
  const auto settled = release.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::done);
  EXPECT_EQ(settled.freed_blocks, 10U);
  expect_nothing_held();
}

TEST_F(ModelTest, TellsItsProgress) {
  const auto model = model_of(100, KiB);
  cuda_simulator::inject("cudaFreeAsync=slow:1");
  std::vector<std::uint64_t> bytes;
  Release release(model, no_deadline, [&](std::uint64_t freed, std::uint64_t blocks) {
    EXPECT_EQ(freed, blocks * KiB);
    bytes.push_back(freed);
  });
  EXPECT_EQ(release.settled().settlement.outcome, Outcome::done);
  ASSERT_FALSE(bytes.empty());
  EXPECT_TRUE(std::is_sorted(bytes.begin(), bytes.end()));
  EXPECT_LE(bytes.back(), 100 * KiB);
}

TEST_F(ModelTest, MakesNoCallOnceTheDeviceIsLost) {
  const auto model = model_of(10, KiB);
  cuda_simulator::inject("cudaFreeAsync#3=sticky:719");
  Release first(model);
  const auto settled = first.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::failed);
  const CudaFailure failure = failure_of(settled.settlement.error);
  EXPECT_EQ(failure.code, cudaErrorLaunchFailure);
  EXPECT_TRUE(failure.sticky());
  EXPECT_TRUE(device().context().lost());
  EXPECT_FALSE(settled.after) << "not asked";

  const auto calls = cuda_calls();
  Release second(model);
  EXPECT_EQ(failure_of(second.settled().settlement.error).code, cudaErrorLaunchFailure);
  EXPECT_EQ(cuda_calls(), calls);
  EXPECT_FALSE(model->released());
}

// When the process is ending, the runtime has given everything back before anybody asks.
TEST_F(ModelTest, IsReleasedByTheRuntimesOwnEnd) {
  const auto model = model_of(10, KiB);
  cuda_simulator::inject(
      "cudaSetDevice=error:4,cudaFreeAsync=error:4,cudaEventRecord=error:4,cudaEventQuery=error:4,"
      "cudaMemGetInfo=error:4,cudaStreamDestroy=error:4,cudaEventDestroy=error:4");
  Release release(model);
  EXPECT_EQ(release.settled().settlement.outcome, Outcome::done);
  EXPECT_TRUE(model->released());
  EXPECT_EQ(model->freed_bytes(), 10 * KiB);
  EXPECT_EQ(device().requests().read().blocks.current, 0U);
}

TEST_F(ModelTest, CountsWhenTheDeviceIsFull) {
  begin({.memory = 64 * MiB});
  on_device(device(), [this] {
    Model model(device(), 2);
    model.add_block(32 * MiB);
    EXPECT_THROW(model.add_block(64 * MiB), CudaException);
    EXPECT_EQ(model.bytes(), 32 * MiB) << "what was added before stays";
    EXPECT_EQ(model.release(Limits(), nullptr), Outcome::done);
  });
  EXPECT_EQ(device().requests().read().out_of_memory, 1U);
  expect_nothing_held();
}

class ModelWithoutPoolsTest : public ModelTest {
 protected:
  ModelWithoutPoolsTest() { begin({.memory_pools = false}); }
};

TEST_F(ModelWithoutPoolsTest, AllocatesAndFrees) {
  const auto model = model_of(10, KiB);
  EXPECT_EQ(cuda_simulator::calls("cudaMalloc"), 10U);
  EXPECT_EQ(cuda_simulator::ledger(0).used_bytes, 10 * KiB);
  Release release(model);
  EXPECT_EQ(release.settled().settlement.outcome, Outcome::done);
  EXPECT_EQ(cuda_simulator::calls("cudaFree"), 10U);
  expect_nothing_held();
}

TEST_F(ModelWithoutPoolsTest, IsStuckInTheFreeThatWaitsForTheDevice) {
  const auto model = model_of(10, KiB);
  Gate stall;
  stall.hold(model->stream());
  Release first(model);
  expect_call_after("cudaFree", 0);
  first.cancel();
  EXPECT_EQ(first.settled().settlement.outcome, Outcome::stuck);
  stall.open();
  first.expect_return();
  EXPECT_EQ(model->freed_blocks(), 1U);
  expect_true_counts(*model);
  Release second(model);
  EXPECT_EQ(second.settled().settlement.outcome, Outcome::done);
  expect_nothing_held();
}

}  // namespace
}  // namespace cuda_shutdown

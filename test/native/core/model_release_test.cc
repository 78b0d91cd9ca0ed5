// A release as a job: what it reports, and what becomes of a model that nobody owns any more.
#include "core/model_release.h"

#include "fixture.h"

namespace cuda_shutdown {
namespace {

class ModelReleaseTest : public CoreTest {};

TEST_F(ModelReleaseTest, ReportsTheDeviceBeforeAndAfter) {
  const auto model = model_of(8, MiB);
  Release release(model);
  const auto settled = release.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::done);
  EXPECT_TRUE(settled.begun);
  EXPECT_EQ(settled.freed_bytes, 8 * MiB);
  EXPECT_EQ(settled.freed_blocks, 8U);
  ASSERT_TRUE(settled.before && settled.after);
  EXPECT_EQ(settled.before->allocated, 8 * MiB);
  EXPECT_EQ(settled.after->allocated, 0U);
  EXPECT_EQ(settled.after->reserved, settled.before->reserved) << "the cache keeps it";
  EXPECT_EQ(settled.before->total, device().properties().total_memory);
  EXPECT_TRUE(settled.exclusive);
}

TEST_F(ModelReleaseTest, GoesOnWithoutAReading) {
  const auto model = model_of(8, KiB);
  cuda_simulator::inject("cudaMemGetInfo=error:999");
  Release release(model);
  const auto settled = release.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::done);
  EXPECT_EQ(settled.freed_bytes, 8 * KiB);
  EXPECT_FALSE(settled.before || settled.after);
}

TEST_F(ModelReleaseTest, IsCancelledInTheQueue) {
  const auto model = model_of(8, KiB);
  Gate busy;
  Callbacks other;
  device().submit(
      [call = busy.wait()](const Limits&) {
        call();
        return Outcome::done;
      },
      other.on_settled());
  busy.expect_arrival();
  Release release(model, Clock::now());
  const auto settled = release.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::interrupted);
  EXPECT_EQ(settled.freed_bytes, 0U);
  EXPECT_FALSE(settled.begun);
  EXPECT_FALSE(settled.before || settled.after || settled.exclusive);
  EXPECT_EQ(cuda_simulator::ledger(0).used_bytes, 8 * KiB);
  busy.open();
  other.settled();
  Release again(model);
  EXPECT_EQ(again.settled().settlement.outcome, Outcome::done);
}

TEST_F(ModelReleaseTest, IsNotExclusiveBesideALeftBehindThread) {
  const auto model = model_of(8, KiB);
  Gate hung;
  Callbacks stuck;
  const auto job = device().submit(
      [call = hung.wait()](const Limits&) {
        call();
        return Outcome::interrupted;
      },
      stuck.on_settled(), stuck.on_returned());
  hung.expect_arrival();
  job.cancel();
  EXPECT_EQ(stuck.settled().outcome, Outcome::stuck);
  Release release(model);
  const auto settled = release.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::done);
  EXPECT_FALSE(settled.exclusive);
  hung.open();
  stuck.expect_return();
}

TEST_F(ModelReleaseTest, IsNotExclusiveWhenItWasOvertaken) {
  const auto model = model_of(8, KiB);
  cuda_simulator::inject("cudaFreeAsync#2=hang");
  Release release(model);
  expect_call_after("cudaFreeAsync", 1);
  Callbacks other;
  device().submit([](const Limits&) { return Outcome::done; }, other.on_settled());
  EXPECT_EQ(other.settled().outcome, Outcome::done) << "it overtakes";
  cuda_simulator::release_hangs();
  const auto settled = release.settled();
  EXPECT_EQ(settled.settlement.outcome, Outcome::done);
  EXPECT_EQ(settled.freed_blocks, 8U);
  EXPECT_FALSE(settled.exclusive);
}

// Two models, one of them stuck for good: the other's release does not wait for it.
TEST_F(ModelReleaseTest, IsNotKeptFromItsWorkByAStuckOne) {
  const auto first = model_of(8, KiB);
  const auto second = model_of(8, KiB);
  cuda_simulator::inject("cudaFreeAsync#1=hang");
  Release hung(first);
  expect_call_after("cudaFreeAsync", 0);
  Release other(second);
  hung.cancel();
  EXPECT_EQ(other.settled().settlement.outcome, Outcome::done);
  EXPECT_TRUE(second->released());
  EXPECT_EQ(hung.settled().settlement.outcome, Outcome::stuck);
  cuda_simulator::release_hangs();
  hung.expect_return();
  Release rest(first);
  EXPECT_EQ(rest.settled().settlement.outcome, Outcome::done);
  expect_nothing_held();
}

TEST_F(ModelReleaseTest, AbandonsAModelInTheBackground) {
  abandon(model_of(8, KiB));
  EXPECT_TRUE(becomes_true([] { return cuda_simulator::ledger(0).live_streams == 0; }));
  EXPECT_TRUE(becomes_true([] { return cuda_simulator::ledger(0).live_events == 0; }));
  expect_nothing_held();
}

TEST_F(ModelReleaseTest, AbandonsNothingThatIsReleasedOrLost) {
  const auto released = model_of(1, KiB);
  Release(released).settled();
  auto lost = model_of(1, KiB);
  on_device(device(), [this] {
    EXPECT_THROW(device().context().check(cudaErrorLaunchFailure, "cudaFree"), CudaException);
  });
  const auto calls = cuda_calls();
  abandon(released);
  abandon(lost);
  lost.reset();
  Callbacks last;
  device().submit([](const Limits&) { return Outcome::done; }, last.on_settled());
  last.settled();
  EXPECT_EQ(cuda_calls(), calls);
}

// Every call that a release makes, again and again.
TEST_F(ModelReleaseTest, TriesAgainWhatItCouldNotGiveBack) {
  constexpr int times = 5;
  for (const std::string call :
       {"cudaSetDevice", "cudaFreeAsync", "cudaEventRecord", "cudaEventQuery"}) {
    begin({});
    auto model = model_of(4, KiB);
    const auto before = cuda_simulator::calls(call);
    for (int nth = 1; nth <= times; ++nth) {
      cuda_simulator::inject(call + "#" + std::to_string(nth) + "=error:999");
    }
    abandon(std::exchange(model, nullptr));
    EXPECT_TRUE(becomes_true([] { return cuda_simulator::ledger(0).live_events == 0; })) << call;
    EXPECT_GT(cuda_simulator::calls(call), before + times) << call;
    on_device(device(), [] {});
    expect_nothing_held();
    EXPECT_EQ(device().requests().read().bytes.current, 0U) << call;
  }
}

// Whoever else has work for the device does not wait for the pause between two tries.
TEST_F(ModelReleaseTest, LeavesTheDeviceToOthersBetweenTries) {
  cuda_simulator::inject("cudaFreeAsync=error:400");
  abandon(model_of(1, KiB), {1, std::chrono::hours(1)});
  on_device(device(), [] {});
  Callbacks other;
  device().submit([](const Limits&) { return Outcome::done; }, other.on_settled());
  EXPECT_EQ(other.settled().outcome, Outcome::done);
  EXPECT_EQ(cuda_simulator::calls("cudaFreeAsync"), 1U);
  EXPECT_EQ(device().lane().replacements(), 0U);
}

TEST_F(ModelReleaseTest, GivesUpWhatIsRefusedForGood) {
  cuda_simulator::inject("cudaFreeAsync=error:400");
  auto model = model_of(1, KiB);
  const std::weak_ptr<Model> held = model;
  abandon(std::exchange(model, nullptr), {3, std::chrono::milliseconds(1)});
  EXPECT_TRUE(becomes_true([&] { return held.expired(); }));
  EXPECT_EQ(cuda_simulator::calls("cudaFreeAsync"), 4U);
  EXPECT_EQ(device().requests().read().bytes.current, KiB) << "it shows";
}

TEST_F(ModelReleaseTest, GivesUpWhenTheDeviceIsLost) {
  cuda_simulator::inject("cudaFreeAsync#1=error:400,cudaFreeAsync#2=sticky:719");
  auto model = model_of(1, KiB);
  const std::weak_ptr<Model> held = model;
  abandon(std::exchange(model, nullptr));
  EXPECT_TRUE(becomes_true([&] { return held.expired(); }));
  EXPECT_EQ(cuda_simulator::calls("cudaFreeAsync"), 2U);
}

// 4 is cudaErrorCudartUnloading: the process ends, and the runtime has given everything back.
TEST_F(ModelReleaseTest, GivesUpWhenTheProcessEnds) {
  cuda_simulator::inject("cudaFreeAsync#1=error:400,cudaFreeAsync#2=error:4");
  auto model = model_of(1, KiB);
  const std::weak_ptr<Model> held = model;
  abandon(std::exchange(model, nullptr));
  EXPECT_TRUE(becomes_true([&] { return held.expired(); }));
  EXPECT_EQ(cuda_simulator::calls("cudaFreeAsync"), 2U);
  EXPECT_EQ(device().requests().read().bytes.current, 0U);
}

// Models of several threads, released, cancelled and released again until all is gone.
TEST_F(ModelReleaseTest, LosesNothingUnderRaces) {
  constexpr std::size_t owners = 4;
  constexpr int rounds = 15;
  begin({.devices = 2});
  std::vector<std::thread> threads;
  for (std::size_t who = 0; who < owners; ++who) {
    threads.emplace_back([this, who] {
      for (int round = 0; round < rounds; ++round) {
        const auto model = model_of(200, KiB, who % 2);
        while (!model->released()) {
          Release release(model, Clock::now() + std::chrono::microseconds(200 * round));
          release.cancel();
          release.over();
          Release(model).over();
        }
        EXPECT_EQ(model->freed_bytes(), 200 * KiB);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(cuda_simulator::calls("cudaFreeAsync"), owners * rounds * 200);
  for (int index = 0; index < 2; ++index) expect_nothing_held(index);
}

}  // namespace
}  // namespace cuda_shutdown

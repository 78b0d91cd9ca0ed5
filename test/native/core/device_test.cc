// A device: its threads, its pool, its loss and its reset.
#include "core/device.h"

#include <atomic>

#include "fixture.h"

namespace cuda_shutdown {
namespace {

class DeviceTest : public CoreTest {
 protected:
  static Outcome done(const Limits&) { return Outcome::done; }

  // A thread that makes the pool is left behind, another makes it, and the first comes back.
  // Answers the pool that both have then.
  std::shared_ptr<MemoryPool> pool_made_twice() {
    Callbacks hung;
    std::shared_ptr<MemoryPool> late;
    const auto job = device().submit(
        [&](const Limits&) {
          late = device().pool();
          return Outcome::done;
        },
        hung.on_settled(), hung.on_returned());
    expect_call_after("cudaMemPoolCreate", 0);
    job.cancel();
    EXPECT_EQ(hung.settled().outcome, Outcome::stuck);
    auto pool = on_device(device(), [&] { return device().pool(); });
    cuda_simulator::release_hangs();
    hung.expect_return();
    EXPECT_EQ(late, pool);
    EXPECT_EQ(device().existing_pool(), pool);
    return pool;
  }
};

TEST_F(DeviceTest, IsNotTouchedByBeingMade) {
  EXPECT_EQ(cuda_calls(), 0U);
  EXPECT_EQ(device().existing_pool(), nullptr);
  EXPECT_EQ(device().free_at_first_use(), 0U);
}

TEST_F(DeviceTest, FailsEverythingWithoutACallOnceItIsLost) {
  on_device(device(), [this] {
    EXPECT_THROW(device().context().check(cudaErrorIllegalAddress, "cudaFree"), CudaException);
  });
  const auto calls = cuda_calls();
  std::atomic<bool> ran = false;
  const auto work = [&](const Limits&) {
    ran = true;
    return Outcome::done;
  };
  Callbacks first;
  Callbacks reading;
  device().submit(work, first.on_settled(), first.on_returned());
  device().submit_reading(work, reading.on_settled(), no_deadline);
  for (Callbacks* each : {&first, &reading}) {
    const Settlement settlement = each->settled();
    EXPECT_EQ(settlement.outcome, Outcome::failed);
    const CudaFailure failure = failure_of(settlement.error);
    EXPECT_EQ(failure.code, cudaErrorIllegalAddress);
    EXPECT_STREQ(failure.call, "cudaFree");
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(cuda_calls(), calls);
}

TEST_F(DeviceTest, IsLostWhileOthersWait) {
  Gate queueing;
  Callbacks loses;
  device().submit(
      [&, wait = queueing.wait()](const Limits&) {
        wait();
        device().context().check(cudaFree(nullptr), "cudaFree");
        return Outcome::done;
      },
      loses.on_settled());
  queueing.expect_arrival();
  std::vector<Callbacks> waiting(5);
  for (auto& each : waiting) device().submit(done, each.on_settled());
  cuda_simulator::inject("cudaFree=sticky:700");
  queueing.open();
  EXPECT_EQ(loses.settled().outcome, Outcome::failed);
  // The machine may have stood still long enough for them to overtake.
  for (auto& each : waiting) {
    const auto settlement = each.settled();
    if (settlement.outcome == Outcome::failed) {
      EXPECT_EQ(failure_of(settlement.error).code, cudaErrorIllegalAddress);
    } else {
      EXPECT_GT(device().lane().replacements(), 0U);
    }
  }
}

TEST_F(DeviceTest, ReadsBesideLongWork) {
  Gate busy;
  Callbacks working;
  device().submit(
      [call = busy.wait()](const Limits&) {
        call();
        return Outcome::done;
      },
      working.on_settled());
  busy.expect_arrival();
  Callbacks reading;
  device().submit_reading(done, reading.on_settled(), no_deadline);
  EXPECT_EQ(reading.settled().outcome, Outcome::done);
  EXPECT_EQ(device().lane().replacements(), 0U) << "not by overtaking";
}

TEST_F(DeviceTest, IsNotHeldUpByAnother) {
  begin({.devices = 2});
  const auto first = model_of(3, KiB, 0);
  const auto second = model_of(3, KiB, 1);
  cuda_simulator::inject("cudaFreeAsync@0=hang");
  const auto before = cuda_simulator::calls("cudaFreeAsync");
  Release hung(first);
  expect_call_after("cudaFreeAsync", before);
  Release other(second);
  EXPECT_EQ(other.settled().settlement.outcome, Outcome::done);
  expect_nothing_held(1);
  EXPECT_EQ(cuda_simulator::ledger(0).used_bytes, 3 * KiB);
  hung.cancel();
  EXPECT_EQ(hung.settled().settlement.outcome, Outcome::stuck);
  EXPECT_EQ(device(1).lane().replacements(), 0U);
  cuda_simulator::release_hangs();
  hung.expect_return();
}

TEST_F(DeviceTest, MakesOnePoolThatCaches) {
  const auto pool = on_device(device(), [this] { return device().pool(); });
  EXPECT_EQ(on_device(device(), [this] { return device().pool(); }), pool);
  EXPECT_EQ(device().existing_pool(), pool);
  EXPECT_EQ(cuda_simulator::calls("cudaMemPoolCreate"), 1U);
  EXPECT_EQ(device().free_at_first_use(), device().properties().total_memory);
  EXPECT_TRUE(pool->counts());
  on_device(device(), [&] {
    Stream stream(device().context());
    void* const pointer = pool->allocate(MiB, stream.get());
    pool->free(pointer, stream.get());
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(pool->used().current, 0U);
    EXPECT_GE(pool->reserved().current, MiB) << "its threshold is the maximum";
  });
}

TEST_F(DeviceTest, GivesBackAPoolThatCannotBeSetUp) {
  cuda_simulator::inject("cudaMemPoolSetAttribute#1=error:1");
  EXPECT_THROW(on_device(device(), [this] { return device().pool(); }), CudaException);
  EXPECT_EQ(device().existing_pool(), nullptr);
  EXPECT_EQ(cuda_simulator::calls("cudaMemPoolDestroy"), 1U);
  EXPECT_NE(on_device(device(), [this] { return device().pool(); }), nullptr) << "the next time";
}

TEST_F(DeviceTest, KeepsOnePoolWhenAThreadComesBackLate) {
  cuda_simulator::inject("cudaMemPoolCreate#1=hang");
  const auto pool = pool_made_twice();
  EXPECT_EQ(cuda_simulator::calls("cudaMemPoolCreate"), 2U);
  EXPECT_EQ(cuda_simulator::calls("cudaMemPoolDestroy"), 1U);
  on_device(device(), [&] { EXPECT_EQ(pool->used().current, 0U) << "the one that stays works"; });
}

TEST_F(DeviceTest, KeepsOnePoolWhenTheLatePoolCannotBeDestroyed) {
  cuda_simulator::inject("cudaMemPoolCreate#1=hang,cudaMemPoolDestroy=error:1");
  EXPECT_NE(pool_made_twice(), nullptr);
}

TEST_F(DeviceTest, IsResetWithoutModels) {
  const auto before = on_device(device(), [this] { return device().pool(); });
  on_device(device(), [this] { device().reset(); });
  EXPECT_EQ(cuda_simulator::ledger(0).context_active, 0U);
  EXPECT_EQ(cuda_simulator::ledger(0).reserved_bytes, 0U);
  EXPECT_EQ(device().existing_pool(), nullptr);
  EXPECT_EQ(device().free_at_first_use(), 0U);
  const auto model = model_of(3, KiB);
  EXPECT_NE(device().existing_pool(), before);
  Release release(model);
  EXPECT_EQ(release.settled().settlement.outcome, Outcome::done);
}

TEST_F(DeviceTest, IsNotResetUnderAModel) {
  const auto model = model_of(3, KiB);
  EXPECT_THROW(on_device(device(), [this] { device().reset(); }), std::logic_error);
  EXPECT_EQ(cuda_simulator::calls("cudaDeviceReset"), 0U);
  Release release(model);
  EXPECT_EQ(release.settled().settlement.outcome, Outcome::done);
  on_device(device(), [this] { device().reset(); });
}

// It has a stream and an event, which a reset would take from under it.
TEST_F(DeviceTest, IsNotResetUnderAModelWithoutBlocks) {
  const auto model = model_of(0, 0);
  EXPECT_THROW(on_device(device(), [this] { device().reset(); }), std::logic_error);
  Release release(model);
  EXPECT_EQ(release.settled().settlement.outcome, Outcome::done);
  on_device(device(), [this] { device().reset(); });
  EXPECT_EQ(cuda_simulator::calls("cudaDeviceReset"), 1U);
}

TEST_F(DeviceTest, MayBeReadWhileItIsReset) {
  constexpr int rounds = 200;
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    while (!stop) {
      static_cast<void>(memory_stats(device()));
      reset_peak_memory_stats(device());
    }
  });
  for (int round = 0; round < rounds; ++round) {
    const auto model = model_of(1, KiB);
    Release release(model);
    EXPECT_EQ(release.settled().settlement.outcome, Outcome::done);
    on_device(device(), [this] { device().reset(); });
  }
  stop = true;
  reader.join();
  EXPECT_EQ(cuda_simulator::calls("cudaDeviceReset"), 200U);
}

}  // namespace
}  // namespace cuda_shutdown

// A device that another library in the process keeps busy: what the clean-up waits for, and what it
// does not. On both runtimes, as simulator/runtime: a stream is held by a function on the host.
#include "../../simulator/runtime_fixture.h"
#include "core/memory.h"
#include "core/runtime.h"

namespace cuda_shutdown {
namespace {

class BusyStreams : public cuda_simulator::RuntimeTest {
 protected:
  using Gate = cuda_simulator::Gate;

  // The devices of the test before hold pools that the reset has taken.
  void SetUp() override {
    Runtime::begin_anew([this] { RuntimeTest::SetUp(); });
  }
  static Device& device() { return Runtime::instance().device(0); }

  // A job of the device's, and what it settles as.
  class Running {
   public:
    explicit Running(Job::Work work, std::chrono::milliseconds limit = cuda_simulator::kPatience) {
      auto settled = std::make_shared<std::promise<Outcome>>();
      auto returned = std::make_shared<std::promise<void>>();
      settled_ = settled->get_future();
      returned_ = returned->get_future();
      device().submit(
          std::move(work),
          [settled](const Settlement& settlement) { settled->set_value(settlement.outcome); },
          [returned] { returned->set_value(); }, deadline_in(limit));
    }
    Outcome settled() { return settled_.get(); }
    bool returns() {
      return returned_.wait_for(cuda_simulator::kPatience) == std::future_status::ready;
    }

   private:
    std::future<Outcome> settled_;
    std::future<void> returned_;
  };

  static Job::Work synchronizing() {
    return [](const Limits& limits) { return synchronize(device(), limits); };
  }
  static constexpr std::chrono::milliseconds kLimit{200};
};

TEST_F(BusyStreams, AreWaitedFor) {
  Gate gate;
  gate.hold(make_stream(cudaStreamDefault));
  Running waiting(synchronizing());
  gate.open();
  EXPECT_EQ(waiting.settled(), Outcome::done);
}

TEST_F(BusyStreams, AreWaitedForNoLongerThanIsAllowed) {
  Gate gate;
  gate.hold(make_stream(cudaStreamDefault));
  Running waiting(synchronizing(), kLimit);
  // A thread that was kept from its work for 15 ms counts as stuck.
  EXPECT_NE(waiting.settled(), Outcome::done);
  gate.open();
  EXPECT_EQ(Running(synchronizing()).settled(), Outcome::done);
}

// Only cudaDeviceSynchronize knows of them, and it cannot be stopped.
TEST_F(BusyStreams, ThatAreNonBlockingLeaveAThreadBehindUntilTheyAreDone) {
  Gate gate;
  gate.hold(make_stream(cudaStreamNonBlocking));
  Running waiting(synchronizing(), kLimit);
  ASSERT_EQ(waiting.settled(), Outcome::stuck);
  gate.open();
  EXPECT_TRUE(waiting.returns());
  EXPECT_EQ(Running(synchronizing()).settled(), Outcome::done);
}

TEST_F(BusyStreams, DoNotKeepTheCacheFromBeingEmptied) {
  const std::uint64_t bytes = 64 * cuda_simulator::kMiB;
  Running caching([bytes](const Limits&) {
    const auto pool = device().pool();
    const cudaStream_t stream = make_stream();
    pool->free(pool->allocate(bytes, stream), stream);
    return cudaStreamSynchronize(stream) == cudaSuccess ? Outcome::done : Outcome::failed;
  });
  ASSERT_EQ(caching.settled(), Outcome::done);
  Gate gate;
  gate.hold(make_stream());
  auto released = std::make_shared<std::uint64_t>(0);
  Running emptying([released](const Limits&) {
    *released = empty_cache(device());
    return Outcome::done;
  });
  ASSERT_EQ(emptying.settled(), Outcome::done);
  EXPECT_GE(*released, bytes);
  EXPECT_EQ(memory_stats(device()).reserved.current, 0U);
}

}  // namespace
}  // namespace cuda_shutdown

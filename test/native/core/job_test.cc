// A job settles exactly once, whoever is first, and `returned` follows `stuck` only.
#include "core/job.h"

#include <barrier>

#include "fixture.h"

namespace cuda_shutdown {
namespace {

Outcome done(const Limits&) { return Outcome::done; }

TEST(Job, SettlesWithWhatItsWorkAnswers) {
  for (const Outcome outcome : {Outcome::done, Outcome::interrupted}) {
    Callbacks callbacks;
    Job job([&](const Limits&) { return outcome; }, callbacks.on_settled(), callbacks.on_returned(),
            no_deadline);
    job.run();
    const Settlement settlement = callbacks.settled();
    EXPECT_EQ(settlement.outcome, outcome);
    EXPECT_EQ(settlement.error, nullptr);
    EXPECT_FALSE(callbacks.is_returned());
  }
}

TEST(Job, FailsWithWhatItsWorkThrows) {
  Callbacks callbacks;
  Job job([](const Limits&) -> Outcome { throw std::out_of_range("here"); }, callbacks.on_settled(),
          callbacks.on_returned(), no_deadline);
  job.run();
  const Settlement settlement = callbacks.settled();
  EXPECT_EQ(settlement.outcome, Outcome::failed);
  EXPECT_THROW(std::rethrow_exception(settlement.error), std::out_of_range);
  EXPECT_FALSE(callbacks.is_returned());
}

TEST(Job, DoesNotBeginWhenItsTimeIsOver) {
  Callbacks cancelled;
  Job first(done, cancelled.on_settled(), nullptr, no_deadline);
  first.cancel();
  first.cancel();
  EXPECT_TRUE(first.over(Clock::now()));
  first.run();
  EXPECT_EQ(cancelled.settled().outcome, Outcome::interrupted);

  Callbacks late;
  bool ran = false;
  Job second(
      [&](const Limits&) {
        ran = true;
        return Outcome::done;
      },
      late.on_settled(), nullptr, Clock::now());
  EXPECT_TRUE(second.over(Clock::now()));
  second.run();
  EXPECT_EQ(late.settled().outcome, Outcome::interrupted);
  EXPECT_FALSE(ran);
}

TEST(Job, LetsItsWorkSeeThatItIsCancelled) {
  Callbacks callbacks;
  std::unique_ptr<Job> job;
  job = std::make_unique<Job>(
      [&](const Limits& limits) {
        EXPECT_FALSE(limits.over());
        job->cancel();
        EXPECT_TRUE(limits.over());
        EXPECT_FALSE(limits.for_cleanup(patience).over()) << "the time after has no canceller";
        return Outcome::interrupted;
      },
      callbacks.on_settled(), nullptr, no_deadline);
  job->run();
  EXPECT_EQ(callbacks.settled().outcome, Outcome::interrupted);
}

TEST(Job, BeatsWhenItsWorkAsks) {
  Callbacks callbacks;
  std::unique_ptr<Job> job;
  job = std::make_unique<Job>(
      [&](const Limits& limits) {
        const auto begun = Clock::now();
        EXPECT_LE(job->heartbeat(), begun);
        static_cast<void>(limits.over());
        EXPECT_GE(job->heartbeat(), begun);
        const auto cleaning = Clock::now();
        static_cast<void>(limits.for_cleanup(patience).over());
        EXPECT_GE(job->heartbeat(), cleaning);
        return Outcome::done;
      },
      callbacks.on_settled(), nullptr, no_deadline);
  job->run();
}

TEST(Job, ReturnsAfterItWasStuck) {
  Callbacks callbacks;
  std::unique_ptr<Job> job;
  job = std::make_unique<Job>(
      [&](const Limits&) {
        EXPECT_TRUE(job->settle({Outcome::stuck, nullptr}));
        EXPECT_TRUE(callbacks.is_settled());
        EXPECT_FALSE(callbacks.is_returned());
        return Outcome::done;
      },
      callbacks.on_settled(), callbacks.on_returned(), no_deadline);
  job->run();
  EXPECT_EQ(callbacks.settled().outcome, Outcome::stuck);
  EXPECT_TRUE(callbacks.is_returned());
  EXPECT_FALSE(job->settle({Outcome::done, nullptr}));
}

TEST(Job, ReturnsAlsoWhenItsLateWorkThrows) {
  Callbacks callbacks;
  std::unique_ptr<Job> job;
  job = std::make_unique<Job>(
      [&](const Limits&) -> Outcome {
        job->settle({Outcome::stuck, nullptr});
        throw std::runtime_error("too late for anybody");
      },
      callbacks.on_settled(), callbacks.on_returned(), no_deadline);
  job->run();
  EXPECT_EQ(callbacks.settled().outcome, Outcome::stuck);
  EXPECT_TRUE(callbacks.is_returned());
}

TEST(Job, LetsGoOfWhatItsWorkHoldsBeforeItSettles) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  bool gone = false;
  Job job([held = std::move(held)](const Limits&) { return Outcome::done; },
          [&](const Settlement&) { gone = watched.expired(); }, nullptr, no_deadline);
  job.run();
  EXPECT_TRUE(gone);
}

// The running thread, the supervisor and a canceller at once.
TEST(Job, SettlesOnceUnderRaces) {
  constexpr int rounds = 5000;
  std::unique_ptr<Job> job;
  int settled = 0;
  int returned = 0;
  Outcome outcome{};
  bool in_order = true;
  int stuck_rounds = 0;
  const auto begin_round = [&]() noexcept {
    settled = returned = 0;
    job = std::make_unique<Job>(
        done,
        [&](const Settlement& settlement) {
          ++settled;
          outcome = settlement.outcome;
        },
        [&] {
          ++returned;
          in_order = in_order && settled == 1;
        },
        no_deadline);
  };
  std::barrier begin(3, begin_round);
  std::barrier end(3);
  int wrong = 0;
  std::thread canceller([&] {
    for (int round = 0; round < rounds; ++round) {
      begin.arrive_and_wait();
      job->cancel();
      end.arrive_and_wait();
    }
  });
  std::thread supervisor([&] {
    for (int round = 0; round < rounds; ++round) {
      begin.arrive_and_wait();
      job->settle({Outcome::stuck, nullptr});
      end.arrive_and_wait();
    }
  });
  for (int round = 0; round < rounds; ++round) {
    begin.arrive_and_wait();
    job->run();
    end.arrive_and_wait();
    const bool was_stuck = outcome == Outcome::stuck;
    if (was_stuck) ++stuck_rounds;
    if (settled != 1 || returned != (was_stuck ? 1 : 0)) ++wrong;
  }
  canceller.join();
  supervisor.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(in_order);
  RecordProperty("stuck_rounds", stuck_rounds);
}

}  // namespace
}  // namespace cuda_shutdown

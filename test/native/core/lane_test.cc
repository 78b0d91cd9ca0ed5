// The lane: one job after the other, and what happens to those that do not come back.
#include "core/lane.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <system_error>

#include "fixture.h"

namespace cuda_shutdown {
namespace {

using std::chrono::milliseconds;

// What must not happen for want of time is only seen where the machine gives a thread its time.
constexpr int attempts = 10;

// A lane, and what was submitted to it. Its last thread waits for work for ever.
class LaneTest : public testing::Test {
 protected:
  std::shared_ptr<Job> submit(Job::Work work, const Callbacks& callbacks,
                              Deadline deadline = no_deadline, Convoy convoy = 0) {
    auto job = std::make_shared<Job>(std::move(work), callbacks.on_settled(),
                                     callbacks.on_returned(), deadline, convoy);
    lane_->submit(job);
    return job;
  }
  // A job that is inside a call, as far as a lane can tell, until the gate opens.
  std::shared_ptr<Job> submit_call(Gate& gate, const Callbacks& callbacks, Convoy convoy = 0) {
    auto job = submit(
        [call = gate.wait()](const Limits&) {
          call();
          return Outcome::done;
        },
        callbacks, no_deadline, convoy);
    gate.expect_arrival();
    return job;
  }
  [[nodiscard]] bool nobody_left_behind() const {
    return becomes_true([&] { return lane_->left_behind() == 0; });
  }

  const std::shared_ptr<Lane> lane_ = [] {
    static auto* const all = new std::vector<std::shared_ptr<Lane>>;  // As devices: leaked.
    return all->emplace_back(Lane::create("test-lane"));
  }();
};

Outcome done(const Limits&) { return Outcome::done; }

TEST_F(LaneTest, EndsItsThreadBehindWhatItDoes) {
  const auto owners = lane_.use_count();
  Gate gate;
  Callbacks callbacks;
  submit_call(gate, callbacks);
  EXPECT_GT(lane_.use_count(), owners);
  lane_->end();
  gate.open();
  EXPECT_EQ(callbacks.settled().outcome, Outcome::done);
  EXPECT_TRUE(becomes_true([&] { return lane_.use_count() == owners; }));
  EXPECT_EQ(lane_->left_behind(), 0U);
}

TEST_F(LaneTest, RunsJobsInOrderOnOneNamedThread) {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  std::string name(16, '\0');
  std::vector<Callbacks> callbacks(20);
  for (int i = 0; i < 20; ++i) {
    submit(
        [&, i](const Limits&) {
          order.push_back(i);
          threads.push_back(std::this_thread::get_id());
          pthread_getname_np(pthread_self(), name.data(), name.size());
          return Outcome::done;
        },
        callbacks[static_cast<std::size_t>(i)]);
  }
  for (auto& each : callbacks) EXPECT_EQ(each.settled().outcome, Outcome::done);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.size(), 20U);
  EXPECT_EQ(std::count(threads.begin(), threads.end(), threads.front()), 20);
  EXPECT_STREQ(name.c_str(), "test-lane");
}

TEST_F(LaneTest, SettlesAJobThatDoesNotComeBackAsStuck) {
  Gate call;
  Callbacks hung;
  std::thread::id old_thread;
  const auto job = submit(
      [&, wait = call.wait()](const Limits& limits) {
        old_thread = std::this_thread::get_id();
        wait();
        EXPECT_TRUE(limits.over()) << "it sees that its time is over";
        return Outcome::interrupted;
      },
      hung);
  call.expect_arrival();
  lane_->cancel(job);
  EXPECT_EQ(hung.settled().outcome, Outcome::stuck);
  EXPECT_FALSE(hung.is_returned());
  EXPECT_TRUE(becomes_true([&] { return lane_->replacements() == 1; }));
  EXPECT_EQ(lane_->left_behind(), 1U);

  Callbacks next;
  std::thread::id new_thread;
  submit(
      [&](const Limits&) {
        new_thread = std::this_thread::get_id();
        return Outcome::done;
      },
      next);
  EXPECT_EQ(next.settled().outcome, Outcome::done);
  EXPECT_NE(new_thread, old_thread);
  EXPECT_FALSE(hung.is_returned());

  call.open();
  hung.expect_return();
  EXPECT_TRUE(nobody_left_behind());
  EXPECT_EQ(lane_->replacements(), 1U);
}

TEST_F(LaneTest, SettlesAJobAsStuckAtItsDeadline) {
  // Longer each time, until the machine begins the job before its deadline.
  for (auto time = milliseconds(10); time < patience; time *= 2) {
    Gate call;
    Callbacks hung;
    const auto job = submit(
        [call = call.wait()](const Limits&) {
          call();
          return Outcome::done;
        },
        hung, Clock::now() + time);
    if (hung.settled().outcome == Outcome::interrupted) continue;
    EXPECT_EQ(lane_->left_behind(), 1U);
    EXPECT_FALSE(hung.is_returned());
    call.open();
    hung.expect_return();
    return;
  }
  FAIL();
}

TEST_F(LaneTest, RunsWhatWaitedBehindAStuckJob) {
  Gate call;
  Callbacks hung;
  const auto job = submit_call(call, hung);
  Callbacks next;
  submit(done, next);
  lane_->cancel(job);
  EXPECT_EQ(hung.settled().outcome, Outcome::stuck);
  EXPECT_EQ(next.settled().outcome, Outcome::done);
  EXPECT_FALSE(hung.is_returned());
}

TEST_F(LaneTest, GivesGraceBeforeAJobIsStuck) {
  Gate call;
  Callbacks hung;
  const auto job = submit_call(call, hung);
  const auto cancelled_at = Clock::now();
  lane_->cancel(job);
  EXPECT_EQ(hung.settled().outcome, Outcome::stuck);
  EXPECT_GE(Clock::now() - cancelled_at, Lane::stop_grace);
}

TEST_F(LaneTest, DoesNotCallAJobStuckThatStillAsks) {
  Callbacks callbacks;
  Gate looking;
  auto longest = Clock::duration::zero();
  const auto job = submit(
      [&, arrive = looking.wait()](const Limits& limits) {
        arrive();
        auto before = Clock::now();
        const auto measure = [&](bool over) {
          const auto asked = Clock::now();
          longest = std::max(longest, asked - before);
          before = asked;
          return over;
        };
        while (!measure(limits.over())) {
        }
        const auto cleaning = limits.for_cleanup(4 * Lane::stop_grace);
        while (!measure(cleaning.over())) {
        }
        return Outcome::interrupted;
      },
      callbacks);
  looking.expect_arrival();
  looking.open();
  lane_->cancel(job);
  if (callbacks.settled().outcome == Outcome::interrupted) return;
  callbacks.expect_return();
  EXPECT_GE(longest, Lane::stop_grace) << "only a machine without time for it makes it stuck";
}

TEST_F(LaneTest, SettlesWhatIsCancelledInTheQueueAtOnce) {
  Gate call;
  Callbacks running;
  submit_call(call, running);
  Callbacks queued;
  std::atomic<bool> ran = false;
  Callbacks late;
  const auto run = [&](const Limits&) {
    ran = true;
    return Outcome::done;
  };
  submit(run, late, Clock::now());
  EXPECT_EQ(late.settled().outcome, Outcome::interrupted);
  auto job = std::make_shared<Job>(run, queued.on_settled(), queued.on_returned(), no_deadline);
  job->cancel();
  lane_->submit(job);
  EXPECT_EQ(queued.settled().outcome, Outcome::interrupted);
  EXPECT_FALSE(ran);
  EXPECT_FALSE(running.is_settled());
  call.open();
  EXPECT_EQ(running.settled().outcome, Outcome::done);
  EXPECT_FALSE(queued.is_returned());
}

TEST_F(LaneTest, LetsGoOfWhatWorkHoldsThatItNeverBegins) {
  Gate gate;
  Callbacks running;
  Callbacks waiting;
  submit_call(gate, running);
  const auto held = std::make_shared<int>();
  const auto job = submit(
      [held](const Limits&) {
        ADD_FAILURE() << "it ran";
        return Outcome::done;
      },
      waiting);
  lane_->cancel(job);
  EXPECT_EQ(waiting.settled().outcome, Outcome::interrupted);
  EXPECT_EQ(held.use_count(), 1);
  gate.open();
  EXPECT_EQ(running.settled().outcome, Outcome::done);
}

TEST_F(LaneTest, CancelsAJobThatLooks) {
  Callbacks callbacks;
  Gate looking;
  const auto job = submit(
      [arrive = looking.wait()](const Limits& limits) {
        arrive();
        while (!limits.over()) std::this_thread::yield();
        return Outcome::interrupted;
      },
      callbacks);
  looking.expect_arrival();
  looking.open();
  lane_->cancel(job);
  EXPECT_TRUE(ended_early(callbacks.settled().outcome));
}

TEST_F(LaneTest, CancelsAFinishedJobWithoutEffect) {
  Callbacks callbacks;
  const auto job = submit(done, callbacks);
  EXPECT_EQ(callbacks.settled().outcome, Outcome::done);
  lane_->cancel(job);
  lane_->cancel(job);
  Callbacks next;
  submit(done, next);
  EXPECT_EQ(next.settled().outcome, Outcome::done);
  EXPECT_FALSE(callbacks.is_returned());
  EXPECT_EQ(lane_->replacements(), 0U);
}

TEST_F(LaneTest, LetsOthersOvertakeAStalledJob) {
  Gate call;
  Callbacks stalled;
  submit_call(call, stalled);
  Callbacks first;
  Callbacks second;
  submit(done, first);
  submit(done, second);
  EXPECT_EQ(first.settled().outcome, Outcome::done);
  EXPECT_EQ(second.settled().outcome, Outcome::done);
  EXPECT_FALSE(stalled.is_settled()) << "it goes on";
  EXPECT_EQ(lane_->replacements(), 1U);
  EXPECT_EQ(lane_->left_behind(), 1U);
  call.open();
  EXPECT_EQ(stalled.settled().outcome, Outcome::done);
  EXPECT_FALSE(stalled.is_returned());
  EXPECT_TRUE(nobody_left_behind());
}

TEST_F(LaneTest, DoesNotReplaceAStalledJobThatNobodyWaitsFor) {
  Gate call;
  Callbacks stalled;
  submit_call(call, stalled);
  lane_->inspect(Clock::now() + 10 * Lane::stall_limit);
  EXPECT_EQ(lane_->replacements(), 0U);
}

TEST_F(LaneTest, LetsNoJobOvertakeItsConvoy) {
  Gate call;
  Callbacks stalled;
  submit_call(call, stalled, 7);
  Callbacks behind;
  submit(done, behind, no_deadline, 7);
  lane_->inspect(Clock::now() + 10 * Lane::stall_limit);
  EXPECT_EQ(lane_->replacements(), 0U);
  EXPECT_FALSE(behind.is_settled());
  call.open();
  EXPECT_EQ(stalled.settled().outcome, Outcome::done);
  EXPECT_EQ(behind.settled().outcome, Outcome::done);
}

TEST_F(LaneTest, LetsAConvoyOvertakeOthersAndOthersAConvoy) {
  for (const Convoy convoy : {Convoy{0}, Convoy{7}}) {
    Gate call;
    Callbacks stalled;
    submit_call(call, stalled, convoy);
    Callbacks behind;
    submit(done, behind, no_deadline, 7 - convoy);
    EXPECT_EQ(behind.settled().outcome, Outcome::done);
    EXPECT_FALSE(stalled.is_settled());
    call.open();
    EXPECT_EQ(stalled.settled().outcome, Outcome::done);
  }
}

TEST_F(LaneTest, HasAConvoyGoOnBehindAJobThatIsStuck) {
  Gate call;
  Callbacks hung;
  const auto job = submit_call(call, hung, 7);
  Callbacks behind;
  submit(done, behind, no_deadline, 7);
  lane_->cancel(job);
  EXPECT_EQ(hung.settled().outcome, Outcome::stuck);
  EXPECT_EQ(behind.settled().outcome, Outcome::done);
  call.open();
  hung.expect_return();
  EXPECT_TRUE(nobody_left_behind());
}

TEST_F(LaneTest, SettlesAnOvertakenJobAsStuckToo) {
  Gate call;
  Callbacks stalled;
  const auto job = submit_call(call, stalled);
  Callbacks next;
  submit(done, next);
  next.settled();
  lane_->cancel(job);
  EXPECT_EQ(stalled.settled().outcome, Outcome::stuck);
  EXPECT_EQ(lane_->replacements(), 1U) << "its thread had been replaced already";
  call.open();
  stalled.expect_return();
  EXPECT_TRUE(nobody_left_behind());
}

// One job asks its limits for longer than a stall takes, and others wait behind it for as long:
// none of them is stalled, neither the first nor those that begin after their wait.
TEST_F(LaneTest, OvertakesNobodyThatAsks) {
  constexpr std::size_t count = 300;
  bool quiet = false;
  for (int attempt = 0; attempt < attempts && !quiet; ++attempt) {
    const auto replaced_before = lane_->replacements();
    Gate queueing;
    Callbacks busy;
    std::array<Callbacks, count> callbacks;
    // When anybody was last seen at work; each job has its own, as overtaken ones run side by side.
    auto longest = Clock::duration::zero();
    std::array<Clock::time_point, count + 1> seen;
    seen[0] = Clock::now();
    submit(
        [&, wait = queueing.wait()](const Limits& limits) {
          wait();
          for (const auto end = Clock::now() + 2 * Lane::stall_limit; seen[0] < end;) {
            static_cast<void>(limits.over());
            const auto asked = Clock::now();
            longest = std::max(longest, asked - seen[0]);
            seen[0] = asked;
          }
          return Outcome::done;
        },
        busy);
    queueing.expect_arrival();
    for (std::size_t i = 0; i < count; ++i) {
      submit(
          [&, i](const Limits&) {
            seen[i + 1] = Clock::now();
            return Outcome::done;
          },
          callbacks[i]);
    }
    queueing.open();
    busy.settled();
    for (auto& each : callbacks) each.settled();
    for (std::size_t i = 0; i < count; ++i) longest = std::max(longest, seen[i + 1] - seen[i]);
    quiet = longest < Lane::stall_limit;
    if (quiet) {
      EXPECT_EQ(lane_->replacements(), replaced_before);
    }
  }
  if (!quiet) GTEST_SKIP() << "the machine never gave a thread its time";
}

TEST_F(LaneTest, StopsOvertakingAboveABoundButNotQuarantine) {
  std::vector<Gate> gates(Lane::max_overtaken + 1);
  std::vector<Callbacks> stalled(gates.size());
  std::shared_ptr<Job> last;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    last = submit(
        [call = gates[i].wait()](const Limits&) {
          call();
          return Outcome::done;
        },
        stalled[i]);
    lane_->inspect(Clock::now() + 2 * Lane::stall_limit);
    gates[i].expect_arrival();
  }
  EXPECT_EQ(lane_->replacements(), Lane::max_overtaken);
  Callbacks next;
  submit(done, next);
  lane_->inspect(Clock::now() + 2 * Lane::stall_limit);
  EXPECT_EQ(lane_->replacements(), Lane::max_overtaken);
  EXPECT_FALSE(next.is_settled());
  lane_->cancel(last);
  EXPECT_EQ(stalled.back().settled().outcome, Outcome::stuck);
  EXPECT_EQ(next.settled().outcome, Outcome::done);
  for (auto& gate : gates) gate.open();
  EXPECT_TRUE(nobody_left_behind());
}

TEST_F(LaneTest, TakesJobsFromItsOwnCallbacks) {
  Callbacks inner;
  auto first = std::make_shared<Job>(
      done, [&](const Settlement&) { submit(done, inner); }, nullptr, no_deadline);
  lane_->submit(first);
  EXPECT_EQ(inner.settled().outcome, Outcome::done);

  // From the supervisor's thread.
  Gate call;
  Callbacks from_supervisor;
  auto stuck = std::make_shared<Job>(
      [wait = call.wait()](const Limits&) {
        wait();
        return Outcome::done;
      },
      [&](const Settlement&) { submit(done, from_supervisor); }, nullptr, no_deadline);
  lane_->submit(stuck);
  call.expect_arrival();
  lane_->cancel(stuck);
  EXPECT_EQ(from_supervisor.settled().outcome, Outcome::done);
}

TEST_F(LaneTest, RunsAJobNoSoonerThanItIsToldTo) {
  Callbacks callbacks;
  const auto when = Clock::now() + milliseconds(30);
  auto job = std::make_shared<Job>(done, callbacks.on_settled(), nullptr, no_deadline);
  lane_->submit_at(when, job);
  EXPECT_EQ(callbacks.settled().outcome, Outcome::done);
  EXPECT_GE(Clock::now(), when);
}

TEST_F(LaneTest, SettlesWhatIsCancelledBeforeItsTimeAtOnce) {
  Callbacks callbacks;
  auto job = std::make_shared<Job>(done, callbacks.on_settled(), nullptr, no_deadline);
  lane_->submit_at(Clock::now() + std::chrono::hours(1), job);
  lane_->cancel(job);
  EXPECT_EQ(callbacks.settled().outcome, Outcome::interrupted);
}

// While it lives, the system refuses every thread: there is no address space for its stack.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t greedy;
    pthread_getattr_default_np(&greedy);
    pthread_attr_setstacksize(&greedy, 1UL << 48U);
    EXPECT_EQ(pthread_setattr_default_np(&greedy), 0);
    pthread_attr_destroy(&greedy);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;
  ~NoThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_{};
};

TEST_F(LaneTest, FailsAJobThatItHasNoThreadFor) {
  for (int round = 0; round < 2; ++round) {
    const NoThreads none;
    Callbacks refused;
    submit(done, refused);
    ASSERT_TRUE(refused.is_settled()) << "before submit comes back";
    const auto settlement = refused.settled();
    ASSERT_EQ(settlement.outcome, Outcome::failed);
    try {
      std::rethrow_exception(settlement.error);
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::resource_unavailable_try_again);
      EXPECT_TRUE(std::string(error.what()).starts_with("Expected a thread for test-lane to start"))
          << error.what();
    }
  }
  Callbacks next;
  submit(done, next);
  EXPECT_EQ(next.settled().outcome, Outcome::done);
}

TEST_F(LaneTest, KeepsAStalledThreadThatItCannotReplace) {
  Gate call;
  Callbacks stalled;
  Callbacks next;
  {
    submit_call(call, stalled);
    const NoThreads none;
    submit(done, next);
    const auto now = Clock::now() + 10 * Lane::stall_limit;
    EXPECT_LE(lane_->inspect(now), now + Lane::thread_retry) << "it asks again soon";
    EXPECT_EQ(lane_->replacements(), 0U);
    EXPECT_FALSE(next.is_settled());
    call.open();
    EXPECT_EQ(stalled.settled().outcome, Outcome::done);
    EXPECT_EQ(next.settled().outcome, Outcome::done) << "on the same thread";
  }
  EXPECT_EQ(lane_->left_behind(), 0U);
}

TEST_F(LaneTest, ServesItsQueueAsSoonAsThereIsAThread) {
  Gate call;
  Callbacks hung;
  Callbacks next;
  Callbacks impatient;
  const auto job = submit_call(call, hung);
  {
    const NoThreads none;
    submit(done, next);
    const auto cancelled = submit(done, impatient);
    lane_->cancel(job);
    EXPECT_EQ(hung.settled().outcome, Outcome::stuck);
    EXPECT_TRUE(becomes_true([&] { return lane_->left_behind() == 1; }));
    EXPECT_FALSE(next.is_settled());
    lane_->cancel(cancelled);
    EXPECT_EQ(impatient.settled().outcome, Outcome::interrupted) << "also without a thread";
  }
  EXPECT_EQ(next.settled().outcome, Outcome::done);
  call.open();
  EXPECT_TRUE(nobody_left_behind());
}

// Threads that submit and cancel at will, to jobs that look, hang for a moment, or throw.
TEST_F(LaneTest, SettlesEveryJobOnceUnderRaces) {
  struct Tally {
    std::atomic<int> settled = 0;
    std::atomic<int> returned = 0;
    std::atomic<Outcome> outcome{};
  };
  constexpr std::size_t submitters = 4;
  constexpr std::size_t each = 250;
  std::vector<Tally> tallies(submitters * each);
  std::atomic<int> wrong_order = 0;
  std::vector<std::thread> threads;
  for (std::size_t who = 0; who < submitters; ++who) {
    threads.emplace_back([&, who] {
      std::mt19937 random(static_cast<unsigned>(who));
      for (std::size_t i = 0; i < each; ++i) {
        Tally& tally = tallies[who * each + i];
        const auto kind = random() % 4;
        const auto pause = milliseconds(kind == 0 ? random() % 25 : 0);
        const Deadline deadline =
            kind == 1 ? Clock::now() + milliseconds(random() % 3) : no_deadline;
        auto job = std::make_shared<Job>(
            [kind, pause](const Limits&) {
              std::this_thread::sleep_for(pause);
              if (kind == 2) throw std::runtime_error("thrown");
              return Outcome::done;
            },
            [&](const Settlement& settlement) {
              tally.outcome = settlement.outcome;
              ++tally.settled;
            },
            [&] {
              if (tally.settled != 1) ++wrong_order;
              ++tally.returned;
            },
            deadline);
        lane_->submit(job);
        if (random() % 2 == 0) lane_->cancel(job);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(becomes_true([&] {
    return std::all_of(tallies.begin(), tallies.end(), [](const Tally& tally) {
      return tally.settled == 1 && (tally.outcome != Outcome::stuck || tally.returned == 1);
    });
  }));
  Callbacks last;
  submit(done, last);
  last.settled();
  EXPECT_TRUE(nobody_left_behind());
  EXPECT_EQ(wrong_order, 0);
  for (const Tally& tally : tallies) {
    EXPECT_EQ(tally.settled, 1);
    EXPECT_EQ(tally.returned, tally.outcome == Outcome::stuck ? 1 : 0);
  }
}

}  // namespace
}  // namespace cuda_shutdown

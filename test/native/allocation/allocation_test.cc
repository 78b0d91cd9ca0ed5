// Every operation of the core with its n-th allocation failing, for every n: it tells an error or
// succeeds all the same, loses nothing, and works at the next try.
#include <csignal>
#include <cstdlib>
#include <functional>
#include <new>

#include "../core/loader_fixture.h"
#include "core/model_reader.h"
#include "core/watchdog.h"
#include "failing_new.h"

namespace cuda_shutdown {
namespace {

bool tells_of_memory(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const std::exception& other) {
    ADD_FAILURE() << other.what();
    return false;
  }
}

using Operation = std::function<std::exception_ptr()>;

// Runs the operation with each of its allocations failing, until none is left that could. It
// answers its error, or throws it; `before` and `after` stand around it each time.
void expect_outlives(const std::function<void()>& before, const Operation& operation,
                     const std::function<void()>& after) {
  for (std::uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE("allocation " + std::to_string(nth));
    before();
    std::exception_ptr error;
    failing_new::arm(nth);
    try {
      error = operation();
    } catch (...) {
      error = std::current_exception();
    }
    const bool failed = failing_new::disarm();
    if (error) {
      EXPECT_TRUE(failed && tells_of_memory(error));
    }
    after();
    if (!failed || testing::Test::HasFailure()) {
      EXPECT_GT(nth, 1U) << "it allocates nothing";
      return;
    }
  }
}

class Allocation : public LoaderTest {
 protected:
  static void nothing() {}

  static std::exception_ptr error_of(const Settlement& settlement) {
    EXPECT_EQ(settlement.outcome == Outcome::failed, settlement.error != nullptr);
    EXPECT_FALSE(ended_early(settlement.outcome));
    return settlement.error;
  }

  // The work as a job of the device's thread.
  std::exception_ptr run(Job::Work work) {
    Callbacks callbacks;
    device().submit(std::move(work), callbacks.on_settled(), callbacks.on_returned());
    return error_of(callbacks.settled());
  }

  void expect_back_to_nothing() {
    on_device(device(), [] {});
    EXPECT_TRUE(becomes_true([this] {
      return device().lane().left_behind() == 0 && device().requests().read().blocks.current == 0;
    }));
    expect_nothing_held();
  }

  void give_back(std::shared_ptr<Model>& model) {
    if (model && !model->released()) {
      EXPECT_EQ(Release(model).over(), Outcome::done);
    }
    model = nullptr;
    expect_back_to_nothing();
  }
};

TEST_F(Allocation, OfADevice) {
  expect_outlives(
      nothing,
      []() -> std::exception_ptr {
        // Its threads begin with its first work.
        const Device made{DeviceProperties()};
        return nullptr;
      },
      nothing);
}

TEST_F(Allocation, OfALoad) {
  write(content_of(3 * MiB));
  std::shared_ptr<Model> model;
  expect_outlives(
      nothing,
      [&] {
        struct Answer {
          Settlement settlement;
          std::shared_ptr<Delivery> delivery;
        };
        auto answered = std::make_shared<std::promise<Answer>>();
        auto answer = answered->get_future();
        LoadRequest request{std::make_shared<File>(file_->descriptor()),
                            dense({2 * MiB, 1000, 500})};
        submit_load(
            device(), std::move(request), [](std::uint64_t) {},
            [answered](const Settlement& settlement, std::shared_ptr<Delivery> delivery) {
              answered->set_value({settlement, std::move(delivery)});
            },
            nullptr);
        const auto [settlement, delivery] = expect_soon(answer);
        EXPECT_EQ(delivery != nullptr, settlement.outcome == Outcome::done);
        if (delivery) model = delivery->take();
        return error_of(settlement);
      },
      [&] { give_back(model); });
}

TEST_F(Allocation, OfARelease) {
  std::shared_ptr<Model> model;
  expect_outlives([&] { model = model_of(3, 1000); },
                  [&] {
                    Release release(model, no_deadline, [](std::uint64_t, std::uint64_t) {});
                    const auto settled = release.settled();
                    EXPECT_EQ(settled.settlement.outcome == Outcome::done, model->released());
                    return error_of(settled.settlement);
                  },
                  [&] { give_back(model); });
}

TEST_F(Allocation, OfAReading) {
  auto model = model_of(2, 3 * MiB);
  const auto bytes = std::make_unique<std::byte[]>(3 * MiB);
  expect_outlives(
      nothing,
      [&] {
        return run([&](const Limits& limits) {
          return read_tensor(*model, 1, bytes.get(), limits) ? Outcome::done : Outcome::interrupted;
        });
      },
      [] { EXPECT_EQ(cuda_simulator::pinned_host_bytes(), 0U); });
  give_back(model);
}

TEST_F(Allocation, OfWhatIsDoneToTheMemory) {
  auto model = model_of(2, 1000);
  expect_outlives(
      nothing,
      [&] {
        return run([&](const Limits& limits) {
          static_cast<void>(memory_stats(device()));
          static_cast<void>(read_memory(device()));
          static_cast<void>(process_memory(device(), false));
          reset_peak_memory_stats(device());
          static_cast<void>(empty_cache(device()));
          return synchronize(device(), limits);
        });
      },
      nothing);
  give_back(model);
}

// The supervisor has to go on, whatever it cannot have.
TEST_F(Allocation, OfALaneThatLeavesItsThreadBehind) {
  for (const bool quarantined : {true, false}) {
    std::unique_ptr<Gate> gate;
    std::unique_ptr<Callbacks> held;
    expect_outlives(
        [&] {
          gate = std::make_unique<Gate>();
          held = std::make_unique<Callbacks>();
        },
        [&] {
          const auto handle = device().submit(
              [hold = gate->wait()](const Limits&) {
                hold();
                return Outcome::done;
              },
              held->on_settled(), held->on_returned());
          gate->expect_arrival();
          if (quarantined) {
            handle.cancel();
            EXPECT_EQ(held->settled().outcome, Outcome::stuck);
          }
          // It goes to another thread.
          return run([](const Limits&) { return Outcome::done; });
        },
        [&] {
          gate->open();
          EXPECT_TRUE(becomes_true([&] { return device().lane().left_behind() == 0; }));
          on_device(device(), [] {});
        });
  }
}

TEST_F(Allocation, OfWorkForLater) {
  Callbacks callbacks;
  expect_outlives([&] { callbacks = Callbacks(); },
                  [&] {
                    device().submit_at(
                        Clock::now() + std::chrono::milliseconds(1),
                        [](const Limits&) { return Outcome::done; }, callbacks.on_settled());
                    return error_of(callbacks.settled());
                  },
                  nothing);
}

// What has been told by then must be in force, and what has not must not.
TEST(AllocationDeathTest, OfAWatchdog) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const std::string folder = "/a/folder/with/a/name/that/is/longer/than/a/short/string";
        bool armed = false;
        expect_outlives(
            [] {},
            [&]() -> std::exception_ptr {
              Watchdog::instance().arm({{SIGTERM, SIGINT}, std::chrono::milliseconds(50)});
              armed = true;
              Watchdog::instance().set_journal_folder(folder);
              Watchdog::instance().set_journal(-1);
              return nullptr;
            },
            [&] {
              struct sigaction action {};
              sigaction(SIGTERM, nullptr, &action);
              EXPECT_EQ(action.sa_handler != SIG_DFL, armed);
              if (armed) Watchdog::instance().disarm();
              armed = false;
            });
        if (testing::Test::HasFailure()) std::_Exit(1);
        Watchdog::instance().arm({{SIGTERM}, std::chrono::milliseconds(50)});
        raise(SIGTERM);
        std::this_thread::sleep_for(std::chrono::minutes(1));
      },
      testing::ExitedWithCode(124), "the deadline of 50 ms passed");
}

}  // namespace
}  // namespace cuda_shutdown

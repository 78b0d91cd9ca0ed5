// A fresh simulated world and fresh devices for each test, and the means to order what their
// threads do: jobs as futures, gates that hold a stream or a thread.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/device.h"
#include "core/memory.h"
#include "core/model.h"
#include "core/model_release.h"
#include "simulator/control.h"
#include "simulator/functions.h"

namespace cuda_shutdown {

inline constexpr std::uint64_t KiB = 1ULL << 10U;
inline constexpr std::uint64_t MiB = 1ULL << 20U;
// A bound for what must happen, never an order.
inline constexpr std::chrono::seconds patience{60};

// Throws when nothing comes, which GoogleTest reports as the test's failure.
template <typename T>
T expect_soon(std::future<T>& future) {
  if (future.wait_for(patience) != std::future_status::ready) {
    throw std::runtime_error("Expected an event within the test's patience, got none");
  }
  return future.get();
}

// For what nobody announces, as the end of a thread.
template <typename Condition>
[[nodiscard]] bool becomes_true(Condition condition) {
  const auto end = Clock::now() + patience;
  while (!condition()) {
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Opens once; whoever is waiting goes on. Opens itself at its end, so that a failed test holds
// nobody. Its threads share the state, because they may be left behind.
class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { open(); }

  void open() {
    if (!std::exchange(opened_, true)) state_->open.set_value();
  }
  // Returns when somebody has arrived at the gate.
  void expect_arrival() { expect_soon(arrived_); }
  // A function that arrives and waits; may be called once, and outlive the gate.
  [[nodiscard]] std::function<void()> wait() const {
    return [state = state_] {
      state->arrived.set_value();
      state->opened.wait();
    };
  }
  // Holds the stream here, and returns when it has arrived.
  void hold(cudaStream_t stream) {
    auto* const waiting = new std::function<void()>(wait());
    const auto pass = [](void* data) {
      const std::unique_ptr<std::function<void()>> owned(static_cast<std::function<void()>*>(data));
      (*owned)();
    };
    ASSERT_EQ(cudaLaunchHostFunc(stream, pass, waiting), cudaSuccess);
    expect_arrival();
  }

 private:
  struct State {
    std::promise<void> arrived;
    std::promise<void> open;
    std::shared_future<void> opened = open.get_future().share();
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::future<void> arrived_ = state_->arrived.get_future();
  bool opened_ = false;
};

// A job's callbacks as futures. They must not be called twice: a promise would throw, and a throw
// in a callback ends the process.
class Callbacks {
 public:
  [[nodiscard]] Job::Settled on_settled() const {
    return [state = state_](const Settlement& settlement) { state->settled.set_value(settlement); };
  }
  [[nodiscard]] Job::Returned on_returned() const {
    return [state = state_] { state->returned.set_value(); };
  }
  Settlement settled() { return expect_soon(settled_); }
  void expect_return() { expect_soon(returned_); }
  [[nodiscard]] bool is_settled() const { return is_ready(settled_); }
  [[nodiscard]] bool is_returned() const { return is_ready(returned_); }

 private:
  struct State {
    std::promise<Settlement> settled;
    std::promise<void> returned;
  };
  template <typename T>
  static bool is_ready(const std::future<T>& future) {
    return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::future<Settlement> settled_ = state_->settled.get_future();
  std::future<void> returned_ = state_->returned.get_future();
};

// A release of a model, as Callbacks.
class Release {
 public:
  explicit Release(const std::shared_ptr<Model>& model, Deadline deadline = no_deadline,
                   Model::Progress progress = nullptr)
      : handle_(submit_release(
            model, std::move(progress),
            [state = state_](const ReleaseSettlement& it) { state->settled.set_value(it); },
            [state = state_] { state->returned.set_value(); }, deadline)) {}
  void cancel() const { handle_.cancel(); }
  ReleaseSettlement settled() { return expect_soon(settled_); }
  void expect_return() { expect_soon(returned_); }
  // For a release that is cancelled. A machine that gives its thread no time for the grace makes it
  // stuck for the moment: either way it is over then, and says what it says.
  Outcome over() {
    const Outcome outcome = settled().settlement.outcome;
    if (outcome == Outcome::stuck) expect_return();
    return outcome;
  }

 private:
  struct State {
    std::promise<ReleaseSettlement> settled;
    std::promise<void> returned;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::future<ReleaseSettlement> settled_ = state_->settled.get_future();
  std::future<void> returned_ = state_->returned.get_future();
  JobHandle handle_;
};

inline bool ended_early(Outcome outcome) {
  return outcome == Outcome::interrupted || outcome == Outcome::stuck;
}

// The CUDA failure that an error carries. Throws what else it is.
inline CudaFailure failure_of(const std::exception_ptr& error) {
  if (!error) throw std::runtime_error("Expected a failure, got none");
  try {
    std::rethrow_exception(error);
  } catch (const CudaException& exception) {
    return exception.failure();
  }
}

class CoreTest : public testing::Test {
 protected:
  CoreTest() { begin({}); }
  // No call of one test may be under way when the next begins its world.
  ~CoreTest() override {
    cuda_simulator::release_hangs();
    for (Device* device : devices_) settle_down(*device);
  }

  // A new world and its devices, instead of those so far.
  void begin(const cuda_simulator::Settings& settings) {
    for (Device* device : devices_) settle_down(*device);
    cuda_simulator::reset(settings);
    devices_.clear();
    for (int index = 0; index < settings.devices; ++index) {
      DeviceProperties properties;
      properties.index = index;
      properties.pci_bus_id = "0000:0" + std::to_string(index + 1) + ":00.0";
      properties.total_memory = settings.memory;
      properties.memory_pools_supported = settings.memory_pools;
      // Leaked on purpose: its threads are detached, wait for work for ever and refer to it.
      static auto* const all = new std::vector<std::unique_ptr<Device>>;
      devices_.push_back(all->emplace_back(std::make_unique<Device>(std::move(properties))).get());
    }
  }

  [[nodiscard]] Device& device(std::size_t index = 0) const { return *devices_.at(index); }

  // Runs the work on the device's thread, to its end, and answers what it answers or throws.
  template <typename Work>
  static auto on_device(Device& device, Work work) -> std::invoke_result_t<Work> {
    auto task = std::make_shared<std::packaged_task<std::invoke_result_t<Work>()>>(std::move(work));
    auto answer = task->get_future();
    device.submit(
        [task](const Limits&) {
          (*task)();
          return Outcome::done;
        },
        [](const Settlement&) {});
    return expect_soon(answer);
  }

  [[nodiscard]] std::shared_ptr<Model> model_of(std::size_t blocks, std::uint64_t bytes,
                                                std::size_t on = 0) const {
    return on_device(device(on), [&, on] {
      auto model = std::make_shared<Model>(device(on), blocks);
      for (std::size_t i = 0; i < blocks; ++i) model->add_block(bytes);
      return model;
    });
  }

  // Returns when the function has been called once more than it had been at `calls_before`.
  static void expect_call_after(std::string_view function, std::uint64_t calls_before) {
    ASSERT_TRUE(cuda_simulator::wait_for_call(function, calls_before + 1, patience)) << function;
  }

  static std::uint64_t cuda_calls() {
    std::uint64_t all = 0;
    for (const auto function : cuda_simulator::kFunctionNames) {
      all += cuda_simulator::calls(function);
    }
    return all;
  }

  // Everything that was taken has been given back, once.
  static void expect_nothing_held(int device = 0) {
    const auto ledger = cuda_simulator::ledger(device);
    EXPECT_EQ(ledger.used_bytes, 0U);
    EXPECT_EQ(ledger.live_allocations, 0U);
    EXPECT_EQ(ledger.live_streams, 0U);
    EXPECT_EQ(ledger.live_events, 0U);
    EXPECT_EQ(ledger.invalid_frees, 0U);
    EXPECT_EQ(cuda_simulator::pinned_host_bytes(), 0U);
  }

 private:
  static void settle_down(Device& device) {
    EXPECT_TRUE(becomes_true([&] { return device.lane().left_behind() == 0; }));
    Callbacks last;
    Callbacks last_reading;
    const auto nothing = [](const Limits&) { return Outcome::done; };
    device.submit(nothing, last.on_settled());
    device.submit_reading(nothing, last_reading.on_settled(), no_deadline);
    EXPECT_TRUE(becomes_true([&] { return last.is_settled() && last_reading.is_settled(); }));
  }

  std::vector<Device*> devices_;
};

}  // namespace cuda_shutdown

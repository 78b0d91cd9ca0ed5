// Handlers in front of handlers. Signals here are real, sent by the test to its own thread.
#include "core/signal_chain.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <thread>

namespace cuda_shutdown {
namespace {

using std::chrono::milliseconds;

// Process lifetime, as handlers are.
volatile std::sig_atomic_t earlier_calls = 0;
volatile std::sig_atomic_t later_calls = 0;
volatile std::sig_atomic_t info_signal = 0;
struct sigaction behind_later {};

void earlier(int) { earlier_calls = earlier_calls + 1; }
void earlier_with_info(int, siginfo_t* info, void*) { info_signal = info->si_signo; }
// Somebody else's handler that chains to what stood before it.
void later(int signal, siginfo_t* info, void* context) {
  later_calls = later_calls + 1;
  behind_later.sa_sigaction(signal, info, context);
}

struct sigaction disposition(int signal) {
  struct sigaction current {};
  EXPECT_EQ(sigaction(signal, nullptr, &current), 0);
  return current;
}

void chain_later_in_front(int signal) {
  struct sigaction ours {};
  ours.sa_flags = SA_SIGINFO;
  ours.sa_sigaction = later;
  ASSERT_EQ(sigaction(signal, &ours, &behind_later), 0);
}

class SignalChainTest : public testing::Test {
 protected:
  SignalChainTest() {
    earlier_calls = 0;
    later_calls = 0;
    info_signal = 0;
    struct sigaction before {};
    before.sa_handler = earlier;
    EXPECT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
  }
  ~SignalChainTest() override {
    signal_chain::uninstall();
    signal_chain::forget();
    std::signal(SIGUSR1, SIG_DFL);
    std::signal(SIGUSR2, SIG_DFL);
    close(wake_fd_);
  }
  [[nodiscard]] std::uint64_t wakes() const {
    std::uint64_t count = 0;
    return read(wake_fd_, &count, sizeof(count)) == sizeof(count) ? count : 0;
  }
  const int wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
};

TEST_F(SignalChainTest, SeesASignalAndPassesItOn) {
  signal_chain::install({SIGUSR1}, wake_fd_);
  EXPECT_FALSE(signal_chain::first());
  const auto before = Clock::now() - milliseconds(1);
  raise(SIGUSR1);
  const auto first = signal_chain::first();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->signal, SIGUSR1);
  EXPECT_GE(first->at, before);
  EXPECT_LE(first->at, Clock::now());
  EXPECT_EQ(earlier_calls, 1);
  EXPECT_EQ(wakes(), 1U);
}

TEST_F(SignalChainTest, PassesTheInformationOn) {
  struct sigaction before {};
  before.sa_flags = SA_SIGINFO;
  before.sa_sigaction = earlier_with_info;
  ASSERT_EQ(sigaction(SIGUSR2, &before, nullptr), 0);
  signal_chain::install({SIGUSR2}, wake_fd_);
  raise(SIGUSR2);
  EXPECT_EQ(info_signal, SIGUSR2);
}

TEST_F(SignalChainTest, NeedsNoEarlierHandler) {
  for (const auto none : {SIG_DFL, SIG_IGN}) {
    std::signal(SIGUSR2, none);
    signal_chain::install({SIGUSR2}, wake_fd_);
    raise(SIGUSR2);
    EXPECT_EQ(signal_chain::first()->signal, SIGUSR2);
    signal_chain::uninstall();
    EXPECT_EQ(disposition(SIGUSR2).sa_handler, none);
  }
}

TEST_F(SignalChainTest, KeepsTheFirstAndTellsASecondFromADuplicate) {
  signal_chain::install({SIGUSR1, SIGUSR2}, wake_fd_);
  raise(SIGUSR2);
  raise(SIGUSR1);
  EXPECT_EQ(signal_chain::first()->signal, SIGUSR2);
  EXPECT_FALSE(signal_chain::second(std::chrono::hours(1))) << "within the window";
  std::this_thread::sleep_for(milliseconds(2));
  raise(SIGUSR1);
  const auto second = signal_chain::second(milliseconds(1));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->signal, SIGUSR1);
  signal_chain::forget();
  EXPECT_FALSE(signal_chain::first());
  EXPECT_FALSE(signal_chain::second(milliseconds(0)));
  EXPECT_EQ(wakes(), 3U);
}

TEST_F(SignalChainTest, WhoMaySendOnceSendsTheFirstSignalButNeverASecondOne) {
  signal_chain::install({SIGUSR1, SIGUSR2}, wake_fd_, getpid());
  kill(getpid(), SIGUSR2);
  std::this_thread::sleep_for(milliseconds(2));
  kill(getpid(), SIGUSR1);
  ASSERT_TRUE(signal_chain::first());
  EXPECT_EQ(signal_chain::first()->signal, SIGUSR2);
  EXPECT_FALSE(signal_chain::second(milliseconds(1)));
  EXPECT_EQ(earlier_calls, 1) << "it is passed on all the same";

  signal_chain::install({SIGUSR1, SIGUSR2}, wake_fd_, getppid());
  kill(getpid(), SIGUSR2);
  std::this_thread::sleep_for(milliseconds(2));
  kill(getpid(), SIGUSR1);
  EXPECT_TRUE(signal_chain::second(milliseconds(1)));
}

TEST_F(SignalChainTest, GivesTheEarlierHandlersBack) {
  signal_chain::install({SIGUSR1, SIGUSR2}, wake_fd_);
  signal_chain::uninstall();
  EXPECT_EQ(disposition(SIGUSR1).sa_handler, earlier);
  EXPECT_EQ(disposition(SIGUSR2).sa_handler, SIG_DFL);
  raise(SIGUSR1);
  EXPECT_EQ(earlier_calls, 1);
  EXPECT_FALSE(signal_chain::first());
  EXPECT_EQ(wakes(), 0U);
}

TEST_F(SignalChainTest, IsInstalledAgain) {
  for (int round = 1; round <= 3; ++round) {
    signal_chain::install({SIGUSR1, SIGUSR1}, wake_fd_);
    raise(SIGUSR1);
    EXPECT_EQ(earlier_calls, round);
    EXPECT_EQ(wakes(), 1U);
    signal_chain::uninstall();
  }
}

TEST_F(SignalChainTest, ChangesNothingWhenASignalCannotBeHandled) {
  EXPECT_THROW(signal_chain::install({SIGUSR1, SIGKILL}, wake_fd_), std::system_error);
  EXPECT_THROW(signal_chain::install({SIGUSR1, 4711}, wake_fd_), std::system_error);
  EXPECT_THROW(signal_chain::install({SIGUSR1, -1}, wake_fd_), std::system_error);
  EXPECT_EQ(disposition(SIGUSR1).sa_handler, earlier);
}

TEST_F(SignalChainTest, LeavesErrnoAlone) {
  constexpr int no_descriptor = 1'000'000;  // The write fails.
  signal_chain::install({SIGUSR1}, no_descriptor);
  errno = EDOM;
  raise(SIGUSR1);
  EXPECT_EQ(errno, EDOM);
}

TEST_F(SignalChainTest, OnlyPassesOnBehindAnotherAfterItsEnd) {
  signal_chain::install({SIGUSR1}, wake_fd_);
  chain_later_in_front(SIGUSR1);
  signal_chain::uninstall();
  EXPECT_EQ(disposition(SIGUSR1).sa_sigaction, later);
  raise(SIGUSR1);
  EXPECT_EQ(later_calls, 1);
  EXPECT_EQ(earlier_calls, 1);
  EXPECT_FALSE(signal_chain::first());
  EXPECT_EQ(wakes(), 0U);
}

// Where handlers are in a circle, the stack ends the process: hence in a child.
TEST_F(SignalChainTest, IsInstalledAgainInFrontOfWhoChainedItsHandler) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        signal_chain::install({SIGUSR1}, wake_fd_);
        chain_later_in_front(SIGUSR1);
        signal_chain::uninstall();
        signal_chain::install({SIGUSR1}, wake_fd_);
        raise(SIGUSR1);
        const bool right = earlier_calls == 1 && later_calls == 1 && signal_chain::first();
        signal_chain::uninstall();
        std::_Exit(right && disposition(SIGUSR1).sa_sigaction == later ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// As libuv does, when the last listener goes and another comes.
TEST_F(SignalChainTest, IsInstalledAgainInFrontOfWhoReplacedItsHandler) {
  for (int round = 1; round <= 100; ++round) {
    signal_chain::install({SIGUSR1}, wake_fd_);
    struct sigaction replacement {};
    replacement.sa_handler = earlier;
    ASSERT_EQ(sigaction(SIGUSR1, &replacement, nullptr), 0);
    signal_chain::uninstall();
    signal_chain::install({SIGUSR1}, wake_fd_);
    raise(SIGUSR1);
    ASSERT_TRUE(signal_chain::first());
    ASSERT_EQ(earlier_calls, round);
    signal_chain::uninstall();
  }
}

}  // namespace
}  // namespace cuda_shutdown

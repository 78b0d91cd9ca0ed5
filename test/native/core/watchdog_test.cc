// The watchdog ends processes, so each of these is a child's life.
#include "core/watchdog.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

namespace cuda_shutdown {
namespace {

using std::chrono::milliseconds;
using testing::ExitedWithCode;

// What a child that outlives its test's patience exits with.
constexpr int survived = 77;
// Long enough to be sure that nothing ends a child which ought to live.
constexpr milliseconds long_after{400};

volatile std::sig_atomic_t handled = 0;

[[noreturn]] void live_for(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
  std::_Exit(survived);
}
// For a child that ought to be ended.
[[noreturn]] void wait_for_the_end() { live_for(std::chrono::minutes(1)); }

class WatchdogTest : public testing::Test {
 protected:
  WatchdogTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  static Watchdog& arm(milliseconds timeout, milliseconds window = milliseconds(500),
                       milliseconds grace = milliseconds(0)) {
    Watchdog& watchdog = Watchdog::instance();
    watchdog.arm({{SIGTERM, SIGINT}, timeout, window, grace});
    return watchdog;
  }
};

TEST_F(WatchdogTest, EndsTheProcessAtTheDeadlineOfASignal) {
  EXPECT_EXIT(
      {
        arm(milliseconds(50)).set_pending("models, logs");
        raise(SIGTERM);
        wait_for_the_end();
      },
      ExitedWithCode(124),
      "cuda-shutdown: the deadline of 50 ms passed, [0-9]+ ms after SIGTERM; pending: models, "
      "logs; exit code 124\n");
}

TEST_F(WatchdogTest, BeginsWithoutASignal) {
  EXPECT_EXIT(
      {
        arm(milliseconds(50)).begin("a call");
        wait_for_the_end();
      },
      ExitedWithCode(124), "ms after a call; pending: no step");
}

TEST_F(WatchdogTest, CountsFromTheSignalAndNotFromTheBeginning) {
  EXPECT_EXIT(
      {
        Watchdog& watchdog = arm(milliseconds(300));
        raise(SIGINT);
        const auto arrival = watchdog.arrival();
        if (!arrival || arrival->signal != SIGINT) std::_Exit(1);
        std::this_thread::sleep_for(milliseconds(100));
        watchdog.begin("JavaScript, late");
        wait_for_the_end();
      },
      ExitedWithCode(124), "ms after SIGINT;");
}

TEST_F(WatchdogTest, EndsWithTheCodeThatIsDecided) {
  EXPECT_EXIT(
      {
        Watchdog& watchdog = arm(milliseconds(50));
        watchdog.begin("a call");
        watchdog.decide(1);
        wait_for_the_end();
      },
      ExitedWithCode(1), "exit code 1\n");
}

TEST_F(WatchdogTest, EndsAtASecondSignal) {
  EXPECT_EXIT(
      {
        arm(std::chrono::hours(1), milliseconds(20));
        raise(SIGTERM);
        std::this_thread::sleep_for(milliseconds(30));
        raise(SIGINT);
        wait_for_the_end();
      },
      ExitedWithCode(128 + SIGINT), "a second signal ended it, [0-9]+ ms after SIGTERM");
}

TEST_F(WatchdogTest, GivesASecondSignalItsGrace) {
  EXPECT_EXIT(
      {
        arm(std::chrono::hours(1), milliseconds(1), std::chrono::hours(1));
        raise(SIGTERM);
        std::this_thread::sleep_for(milliseconds(5));
        raise(SIGTERM);
        live_for(long_after);
      },
      ExitedWithCode(survived), "^$");
}

TEST_F(WatchdogTest, SwallowsDuplicates) {
  EXPECT_EXIT(
      {
        arm(std::chrono::hours(1), std::chrono::minutes(10));
        for (int i = 0; i < 5; ++i) raise(SIGTERM);
        live_for(long_after);
      },
      ExitedWithCode(survived), "^$");
}

TEST_F(WatchdogTest, IsStoppedByDisarm) {
  EXPECT_EXIT(
      {
        Watchdog& watchdog = arm(long_after / 4);
        raise(SIGTERM);
        watchdog.disarm();
        watchdog.disarm();
        if (watchdog.arrival()) std::_Exit(1);
        live_for(long_after);
      },
      ExitedWithCode(survived), "^$");
}

TEST_F(WatchdogTest, IsStoppedByFinishAndCountsAnew) {
  EXPECT_EXIT(
      {
        Watchdog& watchdog = arm(long_after / 4);
        raise(SIGTERM);
        watchdog.decide(3);
        watchdog.finish();
        std::this_thread::sleep_for(long_after);
        raise(SIGINT);
        wait_for_the_end();
      },
      ExitedWithCode(124), "ms after SIGINT");
}

TEST_F(WatchdogTest, CountsNothingBeforeItIsArmed) {
  EXPECT_EXIT(
      {
        Watchdog::instance().begin("too early");
        arm(milliseconds(1));
        live_for(long_after);
      },
      ExitedWithCode(survived), "^$");
}

TEST_F(WatchdogTest, IsArmedOnce) {
  EXPECT_EXIT(
      {
        Watchdog& watchdog = arm(std::chrono::hours(1));
        try {
          arm(std::chrono::hours(1));
        } catch (const std::logic_error&) {
          watchdog.disarm();
          arm(milliseconds(1)).begin("a call");
          wait_for_the_end();
        }
      },
      ExitedWithCode(124), "the deadline of 1 ms");
}

TEST_F(WatchdogTest, IsNotArmedWithASignalThatCannotBeHandled) {
  EXPECT_EXIT(
      {
        try {
          Watchdog::instance().arm({{SIGTERM, SIGKILL}, milliseconds(1)});
        } catch (const std::system_error&) {
          arm(milliseconds(1)).begin("a call");
          wait_for_the_end();
        }
      },
      ExitedWithCode(124), "");
}

TEST_F(WatchdogTest, TakesTimesWithoutEnd) {
  EXPECT_EXIT(
      {
        arm(milliseconds::max()).begin("a call");
        live_for(long_after);
      },
      ExitedWithCode(survived), "^$");
}

TEST_F(WatchdogTest, ChainsTheEarlierHandlerAndGivesItBack) {
  EXPECT_EXIT(
      {
        std::signal(SIGTERM, [](int) { handled = handled + 1; });
        Watchdog& watchdog = arm(std::chrono::hours(1));
        raise(SIGTERM);
        if (handled != 1 || !watchdog.arrival()) std::_Exit(1);
        watchdog.disarm();
        raise(SIGTERM);
        std::_Exit(handled == 2 && !watchdog.arrival() ? 0 : 2);
      },
      ExitedWithCode(0), "^$");
}

TEST_F(WatchdogTest, SeesSignalsThatTheMainThreadNeverHandles) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer holds a signal back until its thread calls libc";
#endif
  EXPECT_EXIT(
      {
        arm(milliseconds(50));
        std::thread([] { kill(getpid(), SIGTERM); }).detach();
        volatile bool forever = true;
        while (forever) {
        }
        std::_Exit(1);
      },
      ExitedWithCode(124), "SIGTERM");
}

// As a static destructor or an `exit` listener that hangs.
TEST_F(WatchdogTest, EndsAProcessThatHangsInItsExit) {
  EXPECT_EXIT(
      {
        Watchdog& watchdog = arm(milliseconds(50));
        watchdog.begin("a call");
        watchdog.decide(0);
        std::atexit([] { wait_for_the_end(); });
        std::exit(5);
      },
      ExitedWithCode(0), "pending: no step");
}

TEST_F(WatchdogTest, CutsThePendingTextBetweenCharacters) {
  EXPECT_EXIT(
      {
        // 1999 bytes, and then one of two bytes.
        arm(milliseconds(1)).set_pending(std::string(1999, 'x') + "\u00e9tape");
        Watchdog::instance().begin("\u00fcber");
        wait_for_the_end();
      },
      ExitedWithCode(124), "after \u00fcber; pending: x+x; exit code");
}

TEST_F(WatchdogTest, TellsTheWholePendingTextThatFits) {
  EXPECT_EXIT(
      {
        arm(milliseconds(1)).set_pending(std::string(1998, 'x') + "\u00e9");
        Watchdog::instance().begin(std::string(500, 'r'));
        wait_for_the_end();
      },
      ExitedWithCode(124), "after r+; pending: x+\u00e9; exit code 124\n");
}

TEST_F(WatchdogTest, IsNotHeldUpByAFullPipe) {
  EXPECT_EXIT(
      {
        int ends[2] = {};
        if (pipe2(ends, O_NONBLOCK) != 0) std::_Exit(1);
        const std::string filling(4096, '.');
        while (write(ends[1], filling.data(), filling.size()) > 0) {
        }
        while (write(ends[1], filling.data(), 1) > 0) {
        }
        // Blocking, for who does not ask before it writes.
        if (fcntl(ends[1], F_SETFL, 0) != 0 || dup2(ends[1], STDERR_FILENO) < 0) std::_Exit(2);
        arm(milliseconds(20)).begin("a call");
        wait_for_the_end();
      },
      ExitedWithCode(124), "");
}

TEST_F(WatchdogTest, IsNotHeldUpByAStderrThatIsGone) {
  EXPECT_EXIT(
      {
        int ends[2] = {};
        if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0) std::_Exit(2);
        close(ends[0]);
        arm(milliseconds(20)).begin("a call");
        wait_for_the_end();
      },
      ExitedWithCode(124), "");
}

}  // namespace
}  // namespace cuda_shutdown

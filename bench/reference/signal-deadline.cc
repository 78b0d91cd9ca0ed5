// What the watchdog is measured against: waits for SIGTERM, sleeps for the milliseconds that it is given,
// and ends the process.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

int main(int count, char** arguments) {
  const auto limit = std::chrono::milliseconds{count == 2 ? std::atol(arguments[1]) : 0};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  std::puts("ready");
  std::fflush(stdout);
  int signal = 0;
  sigwait(&set, &signal);
  std::this_thread::sleep_until(std::chrono::steady_clock::now() + limit);
  _exit(124);
}

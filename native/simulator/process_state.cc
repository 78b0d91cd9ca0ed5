#include "process_state.h"

#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

namespace cuda_simulator {
namespace {

// Process lifetime.
std::atomic<unsigned int> forks_before{0};
std::atomic<bool> is_unloading{false};
std::once_flag watched;

}  // namespace

void watch_process() {
  std::call_once(watched, [] {
    pthread_atfork(nullptr, nullptr, [] { ++forks_before; });
    std::atexit([] { is_unloading = true; });
  });
}

unsigned int forks() { return forks_before.load(std::memory_order_relaxed); }
bool unloading() { return is_unloading.load(std::memory_order_relaxed); }

}  // namespace cuda_simulator

#include "core/stream.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace cuda_shutdown {

Stream::Stream(Context& context) : context_(context) {
  context.check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking),
                "cudaStreamCreateWithFlags");
}

Stream::~Stream() {
  if (context_.lost()) return;
  if (cudaStreamDestroy(stream_) != cudaSuccess) cudaGetLastError();
}

Event::Event(Context& context) : context_(context) {
  context.check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming),
                "cudaEventCreateWithFlags");
}

Event::~Event() {
  if (context_.lost()) return;
  if (cudaEventDestroy(event_) != cudaSuccess) cudaGetLastError();
}

void Event::record(cudaStream_t stream) {
  context_.check(cudaEventRecord(event_, stream), "cudaEventRecord");
}

bool Event::complete() {
  const auto answer = cudaEventQuery(event_);
  if (answer == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  context_.check(answer, "cudaEventQuery");
  return true;
}

bool Event::wait(const Limits& limits) {
  using namespace std::chrono_literals;
  constexpr int spins = 64;
  for (int spin = 0; spin < spins; ++spin) {
    if (complete()) return true;
    std::this_thread::yield();
  }
  for (Clock::duration pause = 20us; !limits.over();
       pause = std::min<Clock::duration>(pause * 2, 1ms)) {
    if (complete()) return true;
    std::this_thread::sleep_for(pause);
  }
  return complete();
}

}  // namespace cuda_shutdown

#include "api.h"

#include <atomic>
#include <cstdio>
#include <mutex>
#include <set>
#include <string>

#include "process_state.h"

namespace cuda_simulator {

namespace {

// Thread lifetime; made at the thread's first use of its per-thread default stream, which ends with
// the thread.
struct ThreadNumber {
  ThreadNumber() {
    static std::atomic<std::uint64_t> last{0};  // process lifetime
    value = ++last;
  }
  ~ThreadNumber() {
    World& world = World::current();
    if (world.forked()) return;  // a thread that the fork did not copy may hold the locks
    for (const auto& device : world.devices) device->streams().close_thread(value);
  }
  std::uint64_t value = 0;
};

std::uint64_t thread_number() {
  static thread_local const ThreadNumber number;
  return number.value;
}

bool first_time(const char* function) {
  static std::mutex mutex;  // process lifetime, as `said` is
  static auto& said = *new std::set<std::string>();
  const std::lock_guard lock(mutex);
  return said.insert(function).second;
}

}  // namespace

ThreadState& thread_state(World& world) {
  static thread_local ThreadState state;
  if (state.world != &world) state = {.world = &world};
  return state;
}

Concerns device_number_if_any(const int& ordinal) {
  return {[](World&, const void* what) { return *static_cast<const int*>(what); }, &ordinal};
}

Concerns device_number(const int& ordinal) {
  Concerns concerns = device_number_if_any(ordinal);
  concerns.must_exist = true;
  return concerns;
}

Concerns device_of(cudaStream_t stream) {
  return {[](World& world, const void* what) {
            const auto found =
                world.streams.find(static_cast<cudaStream_t>(const_cast<void*>(what)));
            return found ? found->device() : -1;
          },
          stream};
}

Concerns device_of(cudaEvent_t event) {
  return {[](World& world, const void* what) {
            const auto found = world.events.find(static_cast<cudaEvent_t>(const_cast<void*>(what)));
            return found ? found->device() : -1;
          },
          event};
}

Concerns device_of(cudaMemPool_t pool) {
  return {[](World& world, const void* what) {
            const auto found =
                world.pools.find(static_cast<cudaMemPool_t>(const_cast<void*>(what)));
            return found ? found->device() : -1;
          },
          pool};
}

Concerns device_of_pointer(const void* pointer) {
  return {[](World& world, const void* what) {
            const auto found = world.addresses.find(what);
            return found ? found->device : -1;
          },
          pointer};
}

Entry enter(World& world, ThreadState& thread, Function function, const Concerns& concerns) {
  if (world.broken || world.forked()) return {cudaErrorInitializationError};
  if (unloading()) return {cudaErrorCudartUnloading};
  if (in_host_function()) return {cudaErrorNotPermitted};
  Device* named = nullptr;
  if (concerns.locate != nullptr) named = world.device(concerns.locate(world, concerns.what));
  Device* device = named != nullptr ? named : world.device(thread.device);

  const int ordinal = device != nullptr ? device->ordinal() : -1;
  const Faults::Matches matches = world.faults.match(function, ordinal);
  const Faults::Ticket ticket = world.faults.ticket();
  // Before the count: who has waited for the call finds its faults in the ledger.
  if (device != nullptr) ledger_add(device->ledger().faults_acted, matches.size());
  ledger_add(world.ledger->header().total_calls, 1);
  world.calls.count(function);
  if (!matches.empty()) {
    const FaultAnswer fault = world.faults.act(matches, ticket);
    const auto error = static_cast<cudaError_t>(fault.code);
    if (fault.sticky && device != nullptr) device->lose(error);
    if (error != cudaSuccess) return {error};
  }
  return {cudaSuccess, concerns.must_exist ? named : device};
}

std::shared_ptr<Stream> resolve(World& world, cudaStream_t handle) {
  const bool per_thread = handle == cudaStreamPerThread;
  if (handle != nullptr && handle != cudaStreamLegacy && !per_thread) {
    return world.streams.find(handle);
  }
  Device* device = world.device(thread_state(world).device);
  if (device == nullptr) return nullptr;
  return per_thread ? device->streams().per_thread(thread_number()) : device->streams().legacy();
}

cudaError_t not_supported(const char* function) noexcept {
  return answer([&](World&, ThreadState&) {
    if (first_time(function)) {
      std::fprintf(stderr, "cuda_simulator: %s is not simulated: cudaErrorNotSupported\n",
                   function);
    }
    return cudaErrorNotSupported;
  });
}

}  // namespace cuda_simulator

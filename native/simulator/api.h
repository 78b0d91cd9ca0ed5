// What every runtime function does around its own work: settings, faults, counts, context, last
// error.
#pragma once

#include <cuda_runtime_api.h>

#include <new>
#include <system_error>

#include "functions.h"
#include "inside.h"
#include "world.h"

namespace cuda_simulator {

// Thread lifetime; begins anew when the thread meets another world.
struct ThreadState {
  World* world = nullptr;
  int device = 0;
  cudaError_t last_error = cudaSuccess;
  cudaStreamCaptureMode capture_mode = cudaStreamCaptureModeGlobal;
};
ThreadState& thread_state(World& world);

// The device that a call concerns, for faults and for its context. Unknown things are the current
// device's.
using Locator = int (*)(World&, const void*);

struct Concerns {
  Locator locate = nullptr;  // nullptr: the current device
  const void* what = nullptr;
  bool must_exist = false;  // else cudaErrorInvalidDevice, and no context
};

inline Concerns current_device() { return {}; }
Concerns device_number(const int& ordinal);
Concerns device_number_if_any(const int& ordinal);
Concerns device_of(cudaStream_t stream);
Concerns device_of(cudaEvent_t event);
Concerns device_of(cudaMemPool_t pool);
Concerns device_of_pointer(const void* pointer);

struct Entry {
  cudaError_t error = cudaSuccess;  // not success: the call is answered
  Device* device = nullptr;         // nullptr where there is none
};
Entry enter(World& world, ThreadState& thread, Function function, const Concerns& concerns);

// The stream that the handle stands for; a default stream is the current device's. nullptr: none.
std::shared_ptr<Stream> resolve(World& world, cudaStream_t handle);

// cudaMemcpy and cudaMemset in the given default stream.
cudaError_t copy_in(Function function, cudaStream_t stream, void* destination, const void* source,
                    std::size_t bytes, cudaMemcpyKind kind);
cudaError_t fill_in(Function function, cudaStream_t stream, void* pointer, int value,
                    std::size_t bytes);

// A call that the simulator does not have: cudaErrorNotSupported, and its name once on stderr.
cudaError_t not_supported(const char* function) noexcept;

template <typename Body>
cudaError_t answer(Body body) noexcept {
  const Inside inside;
  World& world = World::current();
  ThreadState& thread = thread_state(world);
  cudaError_t error = cudaSuccess;
  try {
    error = body(world, thread);
  } catch (const std::bad_alloc&) {
    error = cudaErrorMemoryAllocation;
  } catch (const std::system_error&) {
    error = cudaErrorOperatingSystem;  // no thread could be started
  } catch (...) {
    error = cudaErrorUnknown;
  }
  if (error != cudaSuccess) thread.last_error = error;
  return error;
}

// A call that needs no context: body(World&, ThreadState&).
template <typename Body>
cudaError_t call_without_context(Function function, const Concerns& concerns, Body body) noexcept {
  return answer([&](World& world, ThreadState& thread) {
    const Entry entry = enter(world, thread, function, concerns);
    return entry.error != cudaSuccess ? entry.error : body(world, thread);
  });
}

// A call that needs the device's context, and begins it: body(World&, Device&).
template <typename Body>
cudaError_t call_in_context(Function function, const Concerns& concerns, Body body) noexcept {
  return answer([&](World& world, ThreadState& thread) {
    const Entry entry = enter(world, thread, function, concerns);
    if (entry.error != cudaSuccess) return entry.error;
    if (world.devices.empty()) return cudaErrorNoDevice;
    if (entry.device == nullptr) return cudaErrorInvalidDevice;
    if (entry.device->error() != cudaSuccess) return entry.device->error();
    entry.device->activate();
    return body(world, *entry.device);
  });
}

}  // namespace cuda_simulator

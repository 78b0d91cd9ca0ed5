// Event management.
#include "api.h"

namespace cuda_simulator {
namespace {

cudaError_t create_event(Function function, cudaEvent_t* handle, unsigned int flags) {
  constexpr unsigned int kKnown =
      cudaEventBlockingSync | cudaEventDisableTiming | cudaEventInterprocess;
  return call_in_context(function, current_device(), [&](World& world, Device& device) {
    if (handle == nullptr || (flags & ~kKnown) != 0) return cudaErrorInvalidValue;
    if ((flags & cudaEventInterprocess) != 0 && (flags & cudaEventDisableTiming) == 0) {
      return cudaErrorInvalidValue;
    }
    *handle = world.events.add(std::make_shared<Event>(device.ordinal()));
    ledger_add(device.ledger().live_events, 1);
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return create_event(Function::EventCreate, event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  return create_event(Function::EventCreateWithFlags, event, flags);
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  return call_in_context(Function::EventRecord, device_of(handle),
                         [&](World& world, Device& device) {
                           const auto event = world.events.find(handle);
                           if (!event) return cudaErrorInvalidResourceHandle;
                           const auto stream = resolve(world, stream_handle);
                           if (!stream) return unresolved(stream_handle);
                           if (stream->device() != event->device()) {
                             return cudaErrorInvalidResourceHandle;
                           }
                           event->capture(device.streams().record(*stream));
                           return cudaSuccess;
                         });
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return call_in_context(Function::EventQuery, device_of(handle), [&](World& world, Device&) {
    const auto event = world.events.find(handle);
    if (!event) return cudaErrorInvalidResourceHandle;
    const Marker captured = event->captured();
    if (!captured.complete()) return cudaErrorNotReady;
    captured.observe();
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return call_in_context(Function::EventSynchronize, device_of(handle),
                         [&](World& world, Device& device) {
                           const auto event = world.events.find(handle);
                           if (!event) return cudaErrorInvalidResourceHandle;
                           return device.synchronize({event->captured()});
                         });
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  return call_in_context(Function::EventDestroy, device_of(handle),
                         [&](World& world, Device& device) {
                           if (!world.events.remove(handle)) return cudaErrorInvalidResourceHandle;
                           ledger_subtract(device.ledger().live_events, 1);
                           return cudaSuccess;
                         });
}

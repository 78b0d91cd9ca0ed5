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
    *handle = world.events.add(
        std::make_shared<Event>(device.ordinal(), (flags & cudaEventDisableTiming) == 0));
    ledger_add(device.ledger().live_events, 1);
    return cudaSuccess;
  });
}

cudaError_t record_event(Function function, cudaEvent_t handle, cudaStream_t stream_handle,
                         unsigned int flags) {
  return call_in_context(function, device_of(handle), [&](World& world, Device& device) {
    // cudaEventRecordExternal is of stream capture, which there is none of.
    if (flags != cudaEventRecordDefault) return cudaErrorInvalidValue;
    const auto event = world.events.find(handle);
    if (!event) return cudaErrorInvalidResourceHandle;
    const auto stream = resolve(world, stream_handle);
    if (!stream || stream->device() != event->device()) return cudaErrorInvalidResourceHandle;
    std::shared_ptr<Event::Time> reached;
    if (event->timed()) {
      reached = std::make_shared<Event::Time>();
      device.streams().enqueue(
          *stream,
          {.run = [reached](std::uint64_t) { *reached = std::chrono::steady_clock::now(); },
           .instant = true});
    }
    event->capture(device.streams().record(*stream), reached);
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

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return record_event(Function::EventRecord, event, stream, cudaEventRecordDefault);
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned int flags) {
  return record_event(Function::EventRecordWithFlags, event, stream, flags);
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

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return call_in_context(Function::EventElapsedTime, device_of(start), [&](World& world, Device&) {
    if (milliseconds == nullptr) return cudaErrorInvalidValue;
    const auto first = world.events.find(start);
    const auto second = world.events.find(end);
    if (!first || !second || !first->timed() || !second->timed() ||
        first->device() != second->device()) {
      return cudaErrorInvalidResourceHandle;
    }
    const Event::Record from = first->record();
    const Event::Record to = second->record();
    if (!from.made || !to.made) return cudaErrorInvalidResourceHandle;
    if (!from.point.complete() || !to.point.complete()) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(*to.reached - *from.reached).count();
    return cudaSuccess;
  });
}

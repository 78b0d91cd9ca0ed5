// Stream management.
#include <algorithm>

#include "api.h"

namespace cuda_simulator {
namespace {

cudaError_t create_stream(Function function, cudaStream_t* handle, unsigned int flags,
                          int priority = kLeastStreamPriority) {
  return call_in_context(function, current_device(), [&](World& world, Device& device) {
    if (handle == nullptr || flags > cudaStreamNonBlocking) return cudaErrorInvalidValue;
    const auto kind =
        flags == cudaStreamNonBlocking ? Stream::Kind::kNonBlocking : Stream::Kind::kBlocking;
    const int clamped = std::clamp(priority, kGreatestStreamPriority, kLeastStreamPriority);
    *handle = world.streams.add(device.streams().create(kind, clamped));
    ledger_add(device.ledger().live_streams, 1);
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return create_stream(Function::StreamCreate, stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags) {
  return create_stream(Function::StreamCreateWithFlags, stream, flags);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned int flags, int priority) {
  return create_stream(Function::StreamCreateWithPriority, stream, flags, priority);
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return call_in_context(Function::StreamDestroy, device_of(handle),
                         [&](World& world, Device& device) {
                           const auto stream = world.streams.remove(handle);
                           if (!stream) return cudaErrorInvalidResourceHandle;
                           device.streams().close(*stream);
                           ledger_subtract(device.ledger().live_streams, 1);
                           return cudaSuccess;
                         });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return call_in_context(Function::StreamSynchronize, device_of(handle),
                         [&](World& world, Device& device) {
                           const auto stream = resolve(world, handle);
                           if (!stream) return cudaErrorInvalidResourceHandle;
                           return device.synchronize(device.streams().outstanding(*stream));
                         });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return call_in_context(
      Function::StreamQuery, device_of(handle), [&](World& world, Device& device) {
        const auto stream = resolve(world, handle);
        if (!stream) return cudaErrorInvalidResourceHandle;
        const auto markers = device.streams().outstanding(*stream);
        if (!std::all_of(markers.begin(), markers.end(),
                         [](const Marker& marker) { return marker.complete(); })) {
          return cudaErrorNotReady;
        }
        for (const Marker& marker : markers) marker.observe();
        return cudaSuccess;
      });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned int flags) {
  return call_in_context(
      Function::StreamWaitEvent, device_of(handle), [&](World& world, Device& device) {
        if (flags != cudaEventWaitDefault) return cudaErrorInvalidValue;
        const auto stream = resolve(world, handle);
        if (!stream) return cudaErrorInvalidResourceHandle;
        const auto event = world.events.find(event_handle);
        if (!event) return cudaErrorInvalidResourceHandle;
        device.streams().enqueue(*stream,
                                 {.run = nullptr, .after = {event->captured()}, .instant = true});
        return cudaSuccess;
      });
}

// What a stream is, and what the streams of a device may be.
#include <utility>

#include "api.h"

namespace cuda_simulator {
namespace {

// body(Stream&)
template <typename Value, typename Body>
cudaError_t about_stream(Function function, cudaStream_t handle, Value* value, Body body) {
  return call_in_context(function, device_of(handle), [&](World& world, Device&) {
    if (value == nullptr) return cudaErrorInvalidValue;
    const auto stream = resolve(world, handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    *value = body(*stream);
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaStreamGetId(cudaStream_t handle, unsigned long long* id) {
  return about_stream(Function::StreamGetId, handle, id,
                      [](const Stream& stream) { return stream.id(); });
}

cudaError_t cudaStreamGetFlags(cudaStream_t handle, unsigned int* flags) {
  return about_stream(Function::StreamGetFlags, handle, flags, [](const Stream& stream) {
    return stream.kind() == Stream::Kind::kNonBlocking
               ? static_cast<unsigned int>(cudaStreamNonBlocking)
               : static_cast<unsigned int>(cudaStreamDefault);
  });
}

cudaError_t cudaStreamGetPriority(cudaStream_t handle, int* priority) {
  return about_stream(Function::StreamGetPriority, handle, priority,
                      [](const Stream& stream) { return stream.priority(); });
}

#if CUDART_VERSION >= 12080
cudaError_t cudaStreamGetDevice(cudaStream_t handle, int* device) {
  return about_stream(Function::StreamGetDevice, handle, device,
                      [](const Stream& stream) { return stream.device(); });
}
#endif

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return call_in_context(Function::DeviceGetStreamPriorityRange, current_device(),
                         [&](World&, Device&) {
                           if (least != nullptr) *least = kLeastStreamPriority;
                           if (greatest != nullptr) *greatest = kGreatestStreamPriority;
                           return cudaSuccess;
                         });
}

// There are no graphs, so nothing is ever captured.
cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return about_stream(Function::StreamIsCapturing, handle, status,
                      [](const Stream&) { return cudaStreamCaptureStatusNone; });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return call_without_context(Function::ThreadExchangeStreamCaptureMode, current_device(),
                              [&](World&, ThreadState& thread) {
                                if (mode == nullptr || *mode < cudaStreamCaptureModeGlobal ||
                                    *mode > cudaStreamCaptureModeRelaxed) {
                                  return cudaErrorInvalidValue;
                                }
                                std::swap(*mode, thread.capture_mode);
                                return cudaSuccess;
                              });
}

// Host functions and callbacks: work of a stream that its thread does by calling the program.
#include "api.h"

using namespace cuda_simulator;

cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* data) {
  return call_in_context(Function::LaunchHostFunc, device_of(handle),
                         [&](World& world, Device& device) {
                           if (function == nullptr) return cudaErrorInvalidValue;
                           const auto stream = resolve(world, handle);
                           if (!stream) return cudaErrorInvalidResourceHandle;
                           device.streams().enqueue(*stream, {.run = [=](std::uint64_t) {
                             in_host_function() = true;
                             function(data);
                             in_host_function() = false;
                           }});
                           return cudaSuccess;
                         });
}

// Unlike a host function, a callback is called though the device was lost meanwhile, and is told
// so.
cudaError_t cudaStreamAddCallback(cudaStream_t handle, cudaStreamCallback_t callback, void* data,
                                  unsigned int flags) {
  return call_in_context(Function::StreamAddCallback, device_of(handle),
                         [&](World& world, Device& device) {
                           if (callback == nullptr || flags != 0) return cudaErrorInvalidValue;
                           const auto stream = resolve(world, handle);
                           if (!stream) return cudaErrorInvalidResourceHandle;
                           device.streams().enqueue(
                               *stream, {.run =
                                             [=, &device](std::uint64_t) {
                                               // The world has ended: nobody is there to be told.
                                               if (device.error() == cudaErrorContextIsDestroyed) {
                                                 return;
                                               }
                                               in_host_function() = true;
                                               callback(handle, device.error(), data);
                                               in_host_function() = false;
                                             },
                                         .always = true});
                           return cudaSuccess;
                         });
}

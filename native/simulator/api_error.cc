// Error handling and versions.
#include "api.h"
#include "error_names.h"

namespace cuda_simulator {
namespace {

// An error that ended a context stays: only a new process helps.
bool stays(World& world, cudaError_t error) {
  for (const auto& device : world.devices) {
    if (error != cudaSuccess && device->error() == error) return true;
  }
  return false;
}

cudaError_t last_error(Function function, bool reset) {
  World& world = World::current();
  ThreadState& thread = thread_state(world);
  const Entry entry = enter(world, thread, function, current_device());
  if (entry.error != cudaSuccess) return entry.error;
  const cudaError_t error = thread.last_error;
  if (reset && !stays(world, error)) thread.last_error = cudaSuccess;
  return error;
}

cudaError_t version(Function function, int* value) {
  return call_without_context(function, current_device(), [&](World&, ThreadState&) {
    if (value == nullptr) return cudaErrorInvalidValue;
    *value = CUDART_VERSION;
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace cuda_simulator

using cuda_simulator::Function;

cudaError_t cudaGetLastError() { return cuda_simulator::last_error(Function::GetLastError, true); }

cudaError_t cudaPeekAtLastError() {
  return cuda_simulator::last_error(Function::PeekAtLastError, false);
}

const char* cudaGetErrorName(cudaError_t error) {
  const auto* text = cuda_simulator::error_text(static_cast<int>(error));
  return text != nullptr ? text->name : "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  const auto* text = cuda_simulator::error_text(static_cast<int>(error));
  return text != nullptr ? text->text : "unrecognized error code";
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  return cuda_simulator::version(Function::RuntimeGetVersion, version);
}

cudaError_t cudaDriverGetVersion(int* version) {
  return cuda_simulator::version(Function::DriverGetVersion, version);
}

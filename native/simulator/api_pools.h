// What the functions of a memory pool do around their own work. No state.
#pragma once

#include <memory>

#include "api.h"

namespace cuda_simulator {

// body(World&, shared_ptr<MemoryPool>)
template <typename Body>
cudaError_t with_pool(Function function, cudaMemPool_t handle, Body body) {
  return call_in_context(function, device_of(handle), [&](World& world, Device&) {
    if (!world.settings.memory_pools) return cudaErrorNotSupported;
    const auto pool = world.pools.find(handle);
    return pool ? body(world, pool) : cudaErrorInvalidValue;
  });
}

}  // namespace cuda_simulator

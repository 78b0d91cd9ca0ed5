// A memory location's default and current pool: CUDA 13's general form of the devices' pools.
#include "api_pools.h"

#if CUDART_VERSION >= 13000
namespace cuda_simulator {
namespace {

// Pools of host and of managed memory are not simulated, as the devices' attributes say.
cudaError_t pool_place(const cudaMemLocation* location, cudaMemAllocationType type) {
  if (location == nullptr) return cudaErrorInvalidValue;
  switch (type) {
    case cudaMemAllocationTypePinned:
      if (location->type == cudaMemLocationTypeDevice) return cudaSuccess;
      return location->type == cudaMemLocationTypeHost ||
                     location->type == cudaMemLocationTypeHostNuma
                 ? cudaErrorNotSupported
                 : cudaErrorInvalidValue;
    case cudaMemAllocationTypeManaged:
      return location->type >= cudaMemLocationTypeNone &&
                     location->type <= cudaMemLocationTypeHostNuma
                 ? cudaErrorNotSupported
                 : cudaErrorInvalidValue;
    default:
      return cudaErrorInvalidValue;
  }
}

cudaError_t pool_at(Function function, cudaMemPool_t* pool, const cudaMemLocation* location,
                    cudaMemAllocationType type, std::atomic<cudaMemPool_t> Device::*which) {
  return call_in_context(function, current_device(), [&](World& world, Device&) {
    if (!world.settings.memory_pools) return cudaErrorNotSupported;
    if (pool == nullptr) return cudaErrorInvalidValue;
    const cudaError_t error = pool_place(location, type);
    if (error != cudaSuccess) return error;
    Device* device = world.device(location->id);
    if (device == nullptr) return cudaErrorInvalidValue;
    *pool = (device->*which).load();
    return cudaSuccess;
  });
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaMemGetDefaultMemPool(cudaMemPool_t* pool, cudaMemLocation* location,
                                     cudaMemAllocationType type) {
  return pool_at(Function::MemGetDefaultMemPool, pool, location, type, &Device::default_pool);
}

cudaError_t cudaMemGetMemPool(cudaMemPool_t* pool, cudaMemLocation* location,
                              cudaMemAllocationType type) {
  return pool_at(Function::MemGetMemPool, pool, location, type, &Device::current_pool);
}

cudaError_t cudaMemSetMemPool(cudaMemLocation* location, cudaMemAllocationType type,
                              cudaMemPool_t handle) {
  return with_pool(Function::MemSetMemPool, handle,
                   [&](World& world, const std::shared_ptr<MemoryPool>& pool) {
                     const cudaError_t error = pool_place(location, type);
                     if (error != cudaSuccess) return error;
                     if (location->id != pool->device()) return cudaErrorInvalidValue;
                     world.device(location->id)->current_pool = handle;
                     return cudaSuccess;
                   });
}
#endif

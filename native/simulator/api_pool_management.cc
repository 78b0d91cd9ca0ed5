// Memory pools: making, destroying, choosing and measuring them.
#include <algorithm>
#include <iterator>

#include "api_pools.h"

namespace cuda_simulator {
namespace {

cudaError_t pool_of(Function function, cudaMemPool_t* pool, int ordinal,
                    std::atomic<cudaMemPool_t> Device::*which) {
  return call_in_context(function, device_number(ordinal), [&](World& world, Device& device) {
    if (!world.settings.memory_pools) return cudaErrorNotSupported;
    if (pool == nullptr) return cudaErrorInvalidValue;
    *pool = (device.*which).load();
    return cudaSuccess;
  });
}

bool all_zero(const cudaMemPoolProps& properties) {
  return std::all_of(std::begin(properties.reserved), std::end(properties.reserved),
                     [](unsigned char byte) { return byte == 0; }) &&
         properties.win32SecurityAttributes == nullptr;
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  const int ordinal = properties != nullptr ? properties->location.id : -1;
  return call_in_context(
      Function::MemPoolCreate, device_number_if_any(ordinal), [&](World& world, Device& device) {
        if (!world.settings.memory_pools) return cudaErrorNotSupported;
        if (pool == nullptr || properties == nullptr) return cudaErrorInvalidValue;
        if (!all_zero(*properties) || properties->allocType != cudaMemAllocationTypePinned) {
          return cudaErrorInvalidValue;
        }
        if (properties->location.type == cudaMemLocationTypeHostNuma ||
            (properties->location.type == cudaMemLocationTypeHost &&
             properties->handleTypes == cudaMemHandleTypeNone)) {
          return cudaErrorNotSupported;
        }
        if (properties->location.type != cudaMemLocationTypeDevice ||
            world.device(ordinal) == nullptr) {
          return cudaErrorInvalidValue;
        }
        if (properties->handleTypes != cudaMemHandleTypeNone) return cudaErrorNotSupported;
        *pool = world.create_pool(device, properties->maxSize);
        return cudaSuccess;
      });
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t handle) {
  return with_pool(
      Function::MemPoolDestroy, handle, [&](World& world, const std::shared_ptr<MemoryPool>& pool) {
        Device& device = *world.device(pool->device());
        if (device.default_pool.load() == handle) return cudaErrorInvalidValue;
        if (!world.pools.remove(handle)) return cudaErrorInvalidValue;
        cudaMemPool_t current = handle;
        device.current_pool.compare_exchange_strong(current, device.default_pool.load());
        device.forget_pool(pool);
        pool->destroy();
        return cudaSuccess;
      });
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t handle, cudaMemPoolAttr attribute, void* value) {
  return with_pool(
      Function::MemPoolSetAttribute, handle, [&](World&, const std::shared_ptr<MemoryPool>& pool) {
        return value != nullptr ? pool->set_attribute(attribute, value) : cudaErrorInvalidValue;
      });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t handle, cudaMemPoolAttr attribute, void* value) {
  return with_pool(
      Function::MemPoolGetAttribute, handle, [&](World&, const std::shared_ptr<MemoryPool>& pool) {
        return value != nullptr ? pool->get_attribute(attribute, value) : cudaErrorInvalidValue;
      });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t handle, std::size_t bytes_to_keep) {
  return with_pool(Function::MemPoolTrimTo, handle,
                   [&](World&, const std::shared_ptr<MemoryPool>& pool) {
                     pool->trim(bytes_to_keep);
                     return cudaSuccess;
                   });
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int ordinal) {
  return pool_of(Function::DeviceGetDefaultMemPool, pool, ordinal, &Device::default_pool);
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int ordinal) {
  return pool_of(Function::DeviceGetMemPool, pool, ordinal, &Device::current_pool);
}

cudaError_t cudaDeviceSetMemPool(int ordinal, cudaMemPool_t handle) {
  return call_in_context(Function::DeviceSetMemPool, device_number(ordinal),
                         [&](World& world, Device& device) {
                           if (!world.settings.memory_pools) return cudaErrorNotSupported;
                           const auto pool = world.pools.find(handle);
                           if (!pool || pool->device() != ordinal) return cudaErrorInvalidValue;
                           device.current_pool = handle;
                           return cudaSuccess;
                         });
}

// Which devices reach a pool's memory.
#include "api_pools.h"

using namespace cuda_simulator;

cudaError_t cudaMemPoolSetAccess(cudaMemPool_t handle, const cudaMemAccessDesc* list,
                                 std::size_t count) {
  return with_pool(
      Function::MemPoolSetAccess, handle,
      [&](World& world, const std::shared_ptr<MemoryPool>& pool) {
        if (list == nullptr || count == 0) return cudaErrorInvalidValue;
        for (std::size_t i = 0; i < count; ++i) {
          const auto& [location, flags] = list[i];
          if (location.type != cudaMemLocationTypeDevice || world.device(location.id) == nullptr ||
              (flags != cudaMemAccessFlagsProtNone && flags != cudaMemAccessFlagsProtRead &&
               flags != cudaMemAccessFlagsProtReadWrite) ||
              (location.id == pool->device() && flags != cudaMemAccessFlagsProtReadWrite)) {
            return cudaErrorInvalidValue;
          }
        }
        for (std::size_t i = 0; i < count; ++i)
          pool->set_access(list[i].location.id, list[i].flags);
        return cudaSuccess;
      });
}

cudaError_t cudaMemPoolGetAccess(cudaMemAccessFlags* flags, cudaMemPool_t handle,
                                 cudaMemLocation* location) {
  return with_pool(Function::MemPoolGetAccess, handle,
                   [&](World& world, const std::shared_ptr<MemoryPool>& pool) {
                     if (flags == nullptr || location == nullptr ||
                         location->type != cudaMemLocationTypeDevice ||
                         world.device(location->id) == nullptr) {
                       return cudaErrorInvalidValue;
                     }
                     *flags = pool->access(location->id);
                     return cudaSuccess;
                   });
}

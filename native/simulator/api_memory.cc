// Memory that is not of a pool: cudaMalloc, and what a pointer is.
#include "api.h"

namespace cuda_simulator {
namespace {

constexpr std::uint64_t kMallocAlignment = 512;

cudaError_t invalid_free(Device& device) {
  ledger_add(device.ledger().invalid_frees, 1);
  return cudaErrorInvalidValue;
}

// Whether the calling thread's device may reach the device memory of the region.
bool reaches(World& world, const Region& region) {
  const Device& current = *world.device(thread_state(world).device);
  if (region.pool) return region.pool->access(current.ordinal()) != cudaMemAccessFlagsProtNone;
  return current.reaches(region.device);
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  return call_in_context(Function::Malloc, current_device(), [&](World& world, Device& device) {
    if (pointer == nullptr) return cudaErrorInvalidValue;
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    if (bytes > device.budget().capacity()) return cudaErrorMemoryAllocation;
    const std::uint64_t committed =
        (bytes + kMallocAlignment - 1) / kMallocAlignment * kMallocAlignment;
    if (!device.budget().commit(committed)) return cudaErrorMemoryAllocation;
    const std::uintptr_t base = world.addresses.map({.kind = Region::Kind::kDevice,
                                                     .device = device.ordinal(),
                                                     .size = bytes,
                                                     .committed = committed});
    if (base == 0) {
      device.budget().release(committed);
      return cudaErrorMemoryAllocation;
    }
    ledger_allocated(device.ledger(), bytes);
    *pointer = reinterpret_cast<void*>(base);  // NOLINT(performance-no-int-to-ptr)
    return cudaSuccess;
  });
}

cudaError_t cudaFree(void* pointer) {
  return call_in_context(
      Function::Free, device_of_pointer(pointer), [&](World& world, Device& device) {
        if (pointer == nullptr) return cudaSuccess;
        const auto region = world.addresses.find(pointer);
        if (region && region->pool) {
          return region->pool->free_now(pointer) ? cudaSuccess : invalid_free(device);
        }
        auto claimed = world.addresses.claim(pointer, Region::Kind::kDevice);
        if (!claimed) claimed = world.addresses.claim(pointer, Region::Kind::kManaged);
        if (!claimed) return invalid_free(device);
        // The implicit synchronisation: it waits for everything on the device, without bound.
        const cudaError_t error = device.synchronize();
        if (error == cudaSuccess) world.free_device_region(claimed->base);
        return error;
      });
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return call_in_context(Function::MemGetInfo, current_device(), [&](World&, Device& device) {
    if (free == nullptr || total == nullptr) return cudaErrorInvalidValue;
    *free = device.budget().free();
    *total = device.budget().capacity();
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return call_in_context(
      Function::PointerGetAttributes, device_of_pointer(pointer), [&](World& world, Device&) {
        if (attributes == nullptr) return cudaErrorInvalidValue;
        *attributes = {};
        auto* const address = const_cast<void*>(pointer);
        const auto region = world.addresses.find(pointer);
        if (!region || (region->pool && !region->pool->covers(pointer, 1))) {
          attributes->type = cudaMemoryTypeUnregistered;
          attributes->device = cudaInvalidDeviceId;
          attributes->hostPointer = address;
          return cudaSuccess;
        }
        const bool managed = region->kind == Region::Kind::kManaged;
        attributes->type = managed            ? cudaMemoryTypeManaged
                           : region->pinned() ? cudaMemoryTypeHost
                                              : cudaMemoryTypeDevice;
        attributes->device = region->device;
        const bool reached = managed || region->pinned() || reaches(world, *region);
        attributes->devicePointer = reached ? address : nullptr;
        attributes->hostPointer = managed || region->pinned() ? address : nullptr;
        return cudaSuccess;
      });
}

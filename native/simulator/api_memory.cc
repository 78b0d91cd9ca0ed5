// Memory that is not of a pool: cudaMalloc, pinned host memory, and what a pointer is.
#include "api.h"

namespace cuda_simulator {
namespace {

constexpr std::uint64_t kMallocAlignment = 512;

cudaError_t allocate_host(Function function, void** pointer, std::size_t bytes,
                          unsigned int flags) {
  constexpr unsigned int kKnown =
      cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
  return call_in_context(function, current_device(), [&](World& world, Device& device) {
    if (pointer == nullptr || (flags & ~kKnown) != 0) return cudaErrorInvalidValue;
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    const std::uintptr_t base = world.addresses.map(
        {.kind = Region::Kind::kHost, .device = device.ordinal(), .size = bytes});
    if (base == 0) return cudaErrorMemoryAllocation;
    ledger_add(world.ledger->header().pinned_host_bytes, bytes);
    *pointer = reinterpret_cast<void*>(base);  // NOLINT(performance-no-int-to-ptr)
    return cudaSuccess;
  });
}

cudaError_t invalid_free(Device& device) {
  ledger_add(device.ledger().invalid_frees, 1);
  return cudaErrorInvalidValue;
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
        const auto claimed = world.addresses.claim(pointer, Region::Kind::kDevice);
        if (!claimed) return invalid_free(device);
        // The implicit synchronisation: it waits for everything on the device, without bound.
        const cudaError_t error = device.synchronize();
        if (error == cudaSuccess) world.free_device_region(claimed->base);
        return error;
      });
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned int flags) {
  return allocate_host(Function::HostAlloc, pointer, bytes, flags);
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return allocate_host(Function::MallocHost, pointer, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void* pointer) {
  return call_in_context(Function::FreeHost, device_of_pointer(pointer),
                         [&](World& world, Device& device) {
                           if (pointer == nullptr) return cudaSuccess;
                           const auto claimed = world.addresses.claim(pointer, Region::Kind::kHost);
                           if (!claimed) return invalid_free(device);
                           // A copy may be under way to or from it.
                           const cudaError_t error = device.synchronize();
                           if (error == cudaSuccess) {
                             world.free_host_region(claimed->base);
                           }
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
  return call_in_context(Function::PointerGetAttributes, device_of_pointer(pointer),
                         [&](World& world, Device&) {
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
                           const bool host = region->kind == Region::Kind::kHost;
                           attributes->type = host ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
                           attributes->device = region->device;
                           attributes->devicePointer = address;
                           attributes->hostPointer = host ? address : nullptr;
                           return cudaSuccess;
                         });
}

// Pinned host memory: allocated by the runtime, or registered by the program.
#include <sys/mman.h>

#include <algorithm>

#include "api.h"

namespace cuda_simulator {
namespace {

cudaError_t allocate_host(Function function, void** pointer, std::size_t bytes,
                          unsigned int flags) {
  constexpr unsigned int kKnown =
      cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
  return call_in_context(function, current_device(), [&](World& world, Device& device) {
    if (pointer == nullptr || (flags & ~kKnown) != 0) return cudaErrorInvalidValue;
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    const std::uintptr_t base = world.addresses.map(
        {.kind = Region::Kind::kHost, .device = device.ordinal(), .size = bytes, .flags = flags});
    if (base == 0) return cudaErrorMemoryAllocation;
    ledger_add(world.ledger->header().pinned_host_bytes, bytes);
    *pointer = reinterpret_cast<void*>(base);  // NOLINT(performance-no-int-to-ptr)
    return cudaSuccess;
  });
}

// Whether the program has memory at all of the bytes.
bool mapped(const void* pointer, std::size_t bytes) {
  constexpr std::uintptr_t kPage = ManagedRange::kPage;
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  if (address + bytes < address) return false;
  const std::uintptr_t first = address / kPage * kPage;
  const std::uintptr_t pages = (address + bytes - first + kPage - 1) / kPage;
  constexpr std::uintptr_t kAtOnce = 4096;
  unsigned char present[kAtOnce];
  for (std::uintptr_t page = 0; page < pages; page += kAtOnce) {
    const std::uintptr_t count = std::min(kAtOnce, pages - page);
    auto* const start = reinterpret_cast<void*>(first + page * kPage);  // NOLINT
    if (::mincore(start, count * kPage, present) != 0) return false;
  }
  return true;
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

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
                           if (!claimed) {
                             ledger_add(device.ledger().invalid_frees, 1);
                             return cudaErrorInvalidValue;
                           }
                           // A copy may be under way to or from it.
                           const cudaError_t error = device.synchronize();
                           if (error == cudaSuccess) {
                             world.free_host_region(claimed->base);
                           }
                           return error;
                         });
}

cudaError_t cudaHostRegister(void* pointer, std::size_t bytes, unsigned int flags) {
  constexpr unsigned int kKnown = cudaHostRegisterPortable | cudaHostRegisterMapped |
                                  cudaHostRegisterIoMemory | cudaHostRegisterReadOnly;
  return call_in_context(
      Function::HostRegister, current_device(), [&](World& world, Device& device) {
        if (pointer == nullptr || bytes == 0 || (flags & ~kKnown) != 0) {
          return cudaErrorInvalidValue;
        }
        if ((flags & cudaHostRegisterReadOnly) != 0) return cudaErrorNotSupported;
        // There is no memory-mapped I/O space here.
        if ((flags & cudaHostRegisterIoMemory) != 0) return cudaErrorInvalidValue;
        if (!mapped(pointer, bytes)) return cudaErrorInvalidValue;
        const auto held = world.addresses.enter({.kind = Region::Kind::kRegistered,
                                                 .device = device.ordinal(),
                                                 .base = reinterpret_cast<std::uintptr_t>(pointer),
                                                 .size = bytes,
                                                 .flags = flags});
        if (held) {
          return *held == Region::Kind::kRegistered || *held == Region::Kind::kHost
                     ? cudaErrorHostMemoryAlreadyRegistered
                     : cudaErrorInvalidValue;
        }
        ledger_add(world.ledger->header().pinned_host_bytes, bytes);
        return cudaSuccess;
      });
}

cudaError_t cudaHostUnregister(void* pointer) {
  return call_in_context(
      Function::HostUnregister, device_of_pointer(pointer), [&](World& world, Device& device) {
        if (pointer == nullptr) return cudaErrorInvalidValue;
        const auto claimed = world.addresses.claim(pointer, Region::Kind::kRegistered);
        if (!claimed) return cudaErrorHostMemoryNotRegistered;
        const cudaError_t error = device.synchronize();  // a copy may be under way
        if (error == cudaSuccess) world.free_host_region(claimed->base);
        return error;
      });
}

cudaError_t cudaHostGetDevicePointer(void** device_pointer, void* host_pointer,
                                     unsigned int flags) {
  return call_in_context(
      Function::HostGetDevicePointer, current_device(), [&](World& world, Device&) {
        if (device_pointer == nullptr || flags != 0) return cudaErrorInvalidValue;
        const auto region = world.addresses.find(host_pointer);
        if (!region || !region->pinned()) return cudaErrorInvalidValue;
        *device_pointer = host_pointer;  // cudaDevAttrCanUseHostPointerForRegisteredMem
        return cudaSuccess;
      });
}

cudaError_t cudaHostGetFlags(unsigned int* flags, void* pointer) {
  return call_in_context(Function::HostGetFlags, current_device(), [&](World& world, Device&) {
    const auto region = world.addresses.find(pointer);
    if (flags == nullptr || !region || region->kind != Region::Kind::kHost) {
      return cudaErrorInvalidValue;
    }
    *flags = region->flags;
    return cudaSuccess;
  });
}

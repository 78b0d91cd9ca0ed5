// Managed memory, and what a program advises about it. It is host memory that every device reaches
// at once, so nothing migrates; it takes none of a device's memory.
#include "api.h"

namespace cuda_simulator {
namespace {

using Advice = ManagedRange::Advice;
using Place = ManagedRange::Place;

std::shared_ptr<ManagedRange> managed(World& world, const void* pointer, std::size_t bytes) {
  const auto region = world.addresses.find(pointer);
  if (!region || region->claimed || bytes == 0 || !world.addresses.covers(pointer, bytes)) {
    return nullptr;
  }
  return region->advice;
}

std::uintptr_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaMallocManaged(void** pointer, std::size_t bytes, unsigned int flags) {
  return call_in_context(
      Function::MallocManaged, current_device(), [&](World& world, Device& device) {
        if (pointer == nullptr || bytes == 0 ||
            (flags != cudaMemAttachGlobal && flags != cudaMemAttachHost)) {
          return cudaErrorInvalidValue;
        }
        const std::uintptr_t base = world.addresses.map({.kind = Region::Kind::kManaged,
                                                         .device = device.ordinal(),
                                                         .size = bytes,
                                                         .flags = flags});
        if (base == 0) return cudaErrorMemoryAllocation;
        ledger_allocated(device.ledger(), bytes);
        *pointer = reinterpret_cast<void*>(base);  // NOLINT(performance-no-int-to-ptr)
        return cudaSuccess;
      });
}

cudaError_t cudaStreamAttachMemAsync(cudaStream_t handle, void* pointer, std::size_t bytes,
                                     unsigned int flags) {
  return call_in_context(
      Function::StreamAttachMemAsync, device_of(handle), [&](World& world, Device& device) {
        const auto stream = resolve(world, handle);
        if (!stream) return cudaErrorInvalidResourceHandle;
        const auto region = world.addresses.find(pointer);
        const bool whole = region && region->kind == Region::Kind::kManaged && !region->claimed &&
                           region->base == address_of(pointer) &&
                           (bytes == 0 || bytes == region->size);
        const bool single = flags == cudaMemAttachSingle;
        if (!whole || (flags != cudaMemAttachGlobal && flags != cudaMemAttachHost && !single) ||
            (single && stream->kind() == Stream::Kind::kLegacy)) {
          return cudaErrorInvalidValue;
        }
        device.streams().enqueue(*stream, {.run = nullptr, .instant = true});
        return cudaSuccess;
      });
}

#if CUDART_VERSION >= 13000
namespace cuda_simulator {
namespace {

// Success, and the place as it is kept.
cudaError_t place_of(World& world, cudaMemLocation location, Place& place) {
  switch (location.type) {
    case cudaMemLocationTypeDevice:
      if (world.device(location.id) == nullptr) return cudaErrorInvalidDevice;
      place = {cudaMemLocationTypeDevice, location.id};
      return cudaSuccess;
    case cudaMemLocationTypeHost:
      place = {cudaMemLocationTypeHost, 0};
      return cudaSuccess;
    case cudaMemLocationTypeHostNuma:
      if (location.id != 0) return cudaErrorInvalidValue;  // the one NUMA node
      [[fallthrough]];
    case cudaMemLocationTypeHostNumaCurrent:
      place = {cudaMemLocationTypeHostNuma, 0};
      return cudaSuccess;
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace
}  // namespace cuda_simulator

cudaError_t cudaMemAdvise(const void* pointer, std::size_t bytes, cudaMemoryAdvise advice,
                          cudaMemLocation location) {
  return call_in_context(Function::MemAdvise, current_device(), [&](World& world, Device&) {
    const auto range = managed(world, pointer, bytes);
    if (!range) return cudaErrorInvalidValue;
    const auto advise = [&](auto change) {
      range->advise(address_of(pointer), bytes, change);
      return cudaSuccess;
    };
    Place place;
    const cudaError_t error = place_of(world, location, place);
    const bool by_numa = place.type == cudaMemLocationTypeHostNuma;
    switch (advice) {
      case cudaMemAdviseSetReadMostly:
        return advise([](Advice& page) { page.read_mostly = true; });
      case cudaMemAdviseUnsetReadMostly:
        return advise([](Advice& page) { page.read_mostly = false; });
      case cudaMemAdviseSetPreferredLocation:
        if (error != cudaSuccess) return error;
        return advise([&](Advice& page) { page.preferred = place; });
      case cudaMemAdviseUnsetPreferredLocation:
        return advise([](Advice& page) { page.preferred = {}; });
      case cudaMemAdviseSetAccessedBy:
        if (error != cudaSuccess || by_numa) return by_numa ? cudaErrorInvalidValue : error;
        return advise([&](Advice& page) { page.accessed_by.insert(place.ordinal()); });
      case cudaMemAdviseUnsetAccessedBy:
        if (error != cudaSuccess || by_numa) return by_numa ? cudaErrorInvalidValue : error;
        return advise([&](Advice& page) { page.accessed_by.erase(place.ordinal()); });
      default:
        return cudaErrorInvalidValue;
    }
  });
}

cudaError_t cudaMemPrefetchAsync(const void* pointer, std::size_t bytes, cudaMemLocation location,
                                 unsigned int flags, cudaStream_t handle) {
  return call_in_context(
      Function::MemPrefetchAsync, device_of(handle), [&](World& world, Device& device) {
        const auto stream = resolve(world, handle);
        if (!stream) return cudaErrorInvalidResourceHandle;
        const auto range = managed(world, pointer, bytes);
        if (!range || flags != 0) return cudaErrorInvalidValue;
        Place place;
        const cudaError_t error = place_of(world, location, place);
        if (error != cudaSuccess) return error;
        range->advise(address_of(pointer), bytes, [&](Advice& page) { page.prefetched = place; });
        device.streams().enqueue(*stream, {.run = nullptr, .instant = true});
        return cudaSuccess;
      });
}
#endif

// What was advised about a range of managed memory.
#include <algorithm>
#include <cstring>
#include <vector>

#include "api.h"

namespace cuda_simulator {
namespace {

using Advice = ManagedRange::Advice;
using Place = ManagedRange::Place;

// The place that all pages have; none where they differ.
Place common(const std::vector<Advice>& pages, Place Advice::*which) {
  const Place first = pages.front().*which;
  const bool same = std::all_of(pages.begin(), pages.end(),
                                [&](const Advice& page) { return page.*which == first; });
  return same ? first : Place{};
}

cudaError_t write(void* data, std::size_t size, int value) {
  if (size != sizeof(value)) return cudaErrorInvalidValue;
  std::memcpy(data, &value, sizeof(value));
  return cudaSuccess;
}

cudaError_t write_accessed_by(void* data, std::size_t size, const std::vector<Advice>& pages) {
  if (size == 0 || size % sizeof(int) != 0) return cudaErrorInvalidValue;
  std::vector<int> ordinals;
  for (const int ordinal : pages.front().accessed_by) {
    if (std::all_of(pages.begin(), pages.end(),
                    [&](const Advice& page) { return page.accessed_by.count(ordinal) != 0; })) {
      ordinals.push_back(ordinal);
    }
  }
  ordinals.resize(size / sizeof(int), cudaInvalidDeviceId);
  std::memcpy(data, ordinals.data(), size);
  return cudaSuccess;
}

cudaError_t answer_attribute(void* data, std::size_t size, cudaMemRangeAttribute attribute,
                             const std::vector<Advice>& pages) {
  if (data == nullptr) return cudaErrorInvalidValue;
  const Place preferred = common(pages, &Advice::preferred);
  const Place prefetched = common(pages, &Advice::prefetched);
  switch (attribute) {
    case cudaMemRangeAttributeReadMostly:
      return write(data, size,
                   std::all_of(pages.begin(), pages.end(),
                               [](const Advice& page) { return page.read_mostly; })
                       ? 1
                       : 0);
    case cudaMemRangeAttributePreferredLocation:
      return write(data, size, preferred.ordinal());
    case cudaMemRangeAttributeAccessedBy:
      return write_accessed_by(data, size, pages);
    case cudaMemRangeAttributeLastPrefetchLocation:
      return write(data, size, prefetched.ordinal());
    case cudaMemRangeAttributePreferredLocationType:
      return write(data, size, preferred.type);
    case cudaMemRangeAttributePreferredLocationId:
      return write(data, size, preferred.id);
    case cudaMemRangeAttributeLastPrefetchLocationType:
      return write(data, size, prefetched.type);
    case cudaMemRangeAttributeLastPrefetchLocationId:
      return write(data, size, prefetched.id);
    default:
      return cudaErrorInvalidValue;
  }
}

// No pages: not managed memory.
std::vector<Advice> pages_of(World& world, const void* pointer, std::size_t bytes) {
  const auto region = world.addresses.find(pointer);
  if (!region || !region->advice || region->claimed || bytes == 0 ||
      !world.addresses.covers(pointer, bytes)) {
    return {};
  }
  return region->advice->advice(reinterpret_cast<std::uintptr_t>(pointer), bytes);
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaMemRangeGetAttribute(void* data, std::size_t size, cudaMemRangeAttribute attribute,
                                     const void* pointer, std::size_t bytes) {
  return call_in_context(Function::MemRangeGetAttribute, current_device(),
                         [&](World& world, Device&) {
                           const auto pages = pages_of(world, pointer, bytes);
                           return pages.empty() ? cudaErrorInvalidValue
                                                : answer_attribute(data, size, attribute, pages);
                         });
}

cudaError_t cudaMemRangeGetAttributes(void** data, std::size_t* sizes,
                                      cudaMemRangeAttribute* attributes, std::size_t count,
                                      const void* pointer, std::size_t bytes) {
  return call_in_context(
      Function::MemRangeGetAttributes, current_device(), [&](World& world, Device&) {
        const auto pages = pages_of(world, pointer, bytes);
        if (data == nullptr || sizes == nullptr || attributes == nullptr || count == 0 ||
            pages.empty()) {
          return cudaErrorInvalidValue;
        }
        for (std::size_t i = 0; i < count; ++i) {
          const cudaError_t error = answer_attribute(data[i], sizes[i], attributes[i], pages);
          if (error != cudaSuccess) return error;
        }
        return cudaSuccess;
      });
}

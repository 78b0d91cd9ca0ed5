#include "managed_range.h"

#include <iterator>

namespace cuda_simulator {

int ManagedRange::Place::ordinal() const {
  if (type == cudaMemLocationTypeDevice) return id;
  return type == cudaMemLocationTypeHost ? cudaCpuDeviceId : cudaInvalidDeviceId;
}

ManagedRange::ManagedRange(std::uintptr_t base, std::uintptr_t size)
    : end_(pages_of(base, size).second) {
  pages_.emplace(base, Advice{});
}

std::pair<std::uintptr_t, std::uintptr_t> ManagedRange::pages_of(std::uintptr_t address,
                                                                 std::uint64_t bytes) {
  return {address / kPage * kPage, (address + bytes + kPage - 1) / kPage * kPage};
}

ManagedRange::Pages::iterator ManagedRange::cut(std::uintptr_t at) {
  if (at >= end_) return pages_.end();
  const auto holder = std::prev(pages_.upper_bound(at));
  return holder->first == at ? holder : pages_.emplace(at, holder->second).first;
}

std::vector<ManagedRange::Advice> ManagedRange::advice(std::uintptr_t address,
                                                       std::uint64_t bytes) const {
  const std::lock_guard lock(mutex_);
  const auto [first, last] = pages_of(address, bytes);
  std::vector<Advice> found;
  for (auto page = std::prev(pages_.upper_bound(first)); page != pages_.end() && page->first < last;
       ++page) {
    found.push_back(page->second);
  }
  return found;
}

}  // namespace cuda_simulator

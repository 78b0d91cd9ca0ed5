#include "address_map.h"

#include <sys/mman.h>

#include <utility>

namespace cuda_simulator {
namespace {

constexpr std::size_t kPage = 4096;

std::size_t whole_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }
void* at(std::uintptr_t address) { return reinterpret_cast<void*>(address); }  // NOLINT

}  // namespace

std::uintptr_t AddressMap::map(Region region) {
  region.mapped = whole_pages(region.size);
  if (region.mapped < region.size) return 0;
  void* memory = ::mmap(nullptr, region.mapped, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return 0;
  region.base = reinterpret_cast<std::uintptr_t>(memory);
  if (region.kind == Region::Kind::kManaged) {
    region.advice = std::make_shared<ManagedRange>(region.base, region.size);
  }
  const std::lock_guard lock(mutex_);
  const std::uintptr_t base = region.base;
  regions_.emplace(base, std::move(region));
  return base;
}

std::optional<Region::Kind> AddressMap::enter(Region region) {
  const std::lock_guard lock(mutex_);
  if (const Region* over = holder(region.base)) return over->kind;
  const auto next = regions_.upper_bound(region.base);
  if (next != regions_.end() && next->first - region.base < region.size) return next->second.kind;
  const std::uintptr_t base = region.base;
  regions_.emplace(base, std::move(region));
  return std::nullopt;
}

const Region* AddressMap::holder(std::uintptr_t address) const {
  auto next = regions_.upper_bound(address);
  if (next == regions_.begin()) return nullptr;
  const Region& region = std::prev(next)->second;
  return address - region.base < region.size ? &region : nullptr;
}

std::optional<Region> AddressMap::find(const void* pointer) const {
  const std::lock_guard lock(mutex_);
  const Region* region = holder(reinterpret_cast<std::uintptr_t>(pointer));
  return region != nullptr ? std::optional(*region) : std::nullopt;
}

bool AddressMap::covers(const void* pointer, std::size_t bytes) const {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  const std::lock_guard lock(mutex_);
  const Region* region = holder(address);
  return region != nullptr && bytes <= region->size - (address - region->base);
}

std::optional<Region> AddressMap::claim(const void* pointer, Region::Kind kind) {
  const std::lock_guard lock(mutex_);
  const auto found = regions_.find(reinterpret_cast<std::uintptr_t>(pointer));
  if (found == regions_.end() || found->second.kind != kind || found->second.claimed) {
    return std::nullopt;
  }
  found->second.claimed = true;
  return found->second;
}

std::optional<Region> AddressMap::unmap(std::uintptr_t base, Region::Kind kind) {
  Region region;
  {
    const std::lock_guard lock(mutex_);
    const auto found = regions_.find(base);
    if (found == regions_.end() || found->second.kind != kind) return std::nullopt;
    region = std::move(found->second);
    regions_.erase(found);
  }
  if (kind != Region::Kind::kRegistered) ::munmap(at(base), region.mapped);
  return region;
}

void AddressMap::discard_pages() {
  const std::lock_guard lock(mutex_);
  for (const auto& [base, region] : regions_) {
    if (region.kind == Region::Kind::kRegistered) continue;
    ::madvise(at(base), region.mapped, MADV_DONTNEED);
  }
}

}  // namespace cuda_simulator

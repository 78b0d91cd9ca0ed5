// Which addresses are whose: cudaMalloc's, a pool's, managed, pinned host memory. State: one object
// per world.
//
// Memory is mapped without reserving or touching it, so a device may be larger than the host.
//
// Threads: any. `mutex_` guards regions_; it is the innermost lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "managed_range.h"

namespace cuda_simulator {

class MemoryPool;

struct Region {
  // kRegistered: the program's own memory, never unmapped here.
  enum class Kind { kDevice, kPoolChunk, kHost, kRegistered, kManaged };

  Kind kind = Kind::kDevice;
  int device = 0;  // kHost, kRegistered, kManaged: the one that was current
  std::uintptr_t base = 0;
  std::size_t size = 0;       // but for kPoolChunk as requested
  std::size_t mapped = 0;     // whole pages
  std::size_t committed = 0;  // of the device's memory
  std::shared_ptr<MemoryPool> pool =
      nullptr;             // kPoolChunk; keeps a destroyed pool until it is empty
  bool claimed = false;    // a free of it has begun
  unsigned int flags = 0;  // as given when it was made
  std::shared_ptr<ManagedRange> advice = nullptr;  // kManaged

  bool pinned() const { return kind == Kind::kHost || kind == Kind::kRegistered; }
};

class AddressMap {
 public:
  AddressMap() = default;
  AddressMap(const AddressMap&) = delete;  // it owns the mappings
  AddressMap& operator=(const AddressMap&) = delete;

  // Maps region.size bytes and enters the region. The address, or 0 when the host has none left.
  std::uintptr_t map(Region region);
  // Enters memory that is the program's. The kind of a region that it overlaps, if there is one.
  std::optional<Region::Kind> enter(Region region);
  // The region that holds the address.
  std::optional<Region> find(const void* pointer) const;
  bool covers(const void* pointer, std::size_t bytes) const;
  // Of several frees of one region the first claims it. None: no such region, or claimed.
  std::optional<Region> claim(const void* pointer, Region::Kind kind);
  // Takes out the region that starts at the address if `kind` is its, and unmaps it.
  std::optional<Region> unmap(std::uintptr_t base, Region::Kind kind);

  // Gives the pages back and keeps the addresses, which late threads may still touch.
  void discard_pages();

  template <typename Predicate>
  std::optional<std::uintptr_t> first(Predicate predicate) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [base, region] : regions_) {
      if (predicate(region)) return base;
    }
    return std::nullopt;
  }

 private:
  const Region* holder(std::uintptr_t address) const;

  mutable std::mutex mutex_;
  std::map<std::uintptr_t, Region> regions_;
};

}  // namespace cuda_simulator

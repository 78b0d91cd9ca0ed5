// What the program advised about a managed allocation, page by page. It guides nothing here: the
// simulator's managed memory is host memory. State: one object per allocation.
// Threads: any; `mutex_` guards pages_ and is innermost.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace cuda_simulator {

class ManagedRange {
 public:
  static constexpr std::uintptr_t kPage = 4096;

  struct Place {
    cudaMemLocationType type = cudaMemLocationTypeInvalid;  // as kept: Device, Host or HostNuma
    int id = 0;
    bool operator==(const Place&) const = default;
    // cudaInvalidDeviceId where it is neither a device nor the CPU.
    int ordinal() const;
  };
  struct Advice {
    bool read_mostly = false;
    Place preferred;
    Place prefetched;
    std::set<int> accessed_by;  // ordinals and cudaCpuDeviceId
  };

  ManagedRange(std::uintptr_t base, std::uintptr_t size);

  // Changes the pages that hold the bytes.
  template <typename Change>
  void advise(std::uintptr_t address, std::uint64_t bytes, Change change) {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = pages_of(address, bytes);
    cut(last);
    for (auto page = cut(first); page != pages_.end() && page->first < last; ++page) {
      change(page->second);
    }
  }
  // The advice of each stretch of the pages that hold the bytes.
  std::vector<Advice> advice(std::uintptr_t address, std::uint64_t bytes) const;

 private:
  using Pages = std::map<std::uintptr_t, Advice>;  // by first address; each reaches to the next
  static std::pair<std::uintptr_t, std::uintptr_t> pages_of(std::uintptr_t address,
                                                            std::uint64_t bytes);
  Pages::iterator cut(std::uintptr_t at);

  const std::uintptr_t end_;
  mutable std::mutex mutex_;
  Pages pages_;
};

}  // namespace cuda_simulator

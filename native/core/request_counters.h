// What was asked of a device's pool: blocks and bytes, as torch counts `allocation` and
// `requested_bytes`. Object lifetime (a device's). Thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace cuda_shutdown {

struct Counter {
  std::uint64_t current = 0;
  std::uint64_t peak = 0;
  std::uint64_t allocated = 0;  // The sum of all increases.
  std::uint64_t freed = 0;      // The sum of all decreases.

  void increase(std::uint64_t by) noexcept {
    current += by;
    allocated += by;
    peak = std::max(peak, current);
  }
  void decrease(std::uint64_t by) noexcept {
    current -= by;
    freed += by;
  }
};

struct RequestCounts {
  Counter blocks;
  Counter bytes;
  std::uint64_t out_of_memory = 0;
};

class RequestCounters {
 public:
  void allocated(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    counts_.blocks.increase(1);
    counts_.bytes.increase(bytes);
  }
  void freed(std::uint64_t blocks, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    counts_.blocks.decrease(blocks);
    counts_.bytes.decrease(bytes);
  }
  void ran_out_of_memory() {
    const std::lock_guard lock(mutex_);
    ++counts_.out_of_memory;
  }
  void reset_peaks() {
    const std::lock_guard lock(mutex_);
    counts_.blocks.peak = counts_.blocks.current;
    counts_.bytes.peak = counts_.bytes.current;
  }
  void reset_accumulated() {
    const std::lock_guard lock(mutex_);
    for (Counter* counter : {&counts_.blocks, &counts_.bytes}) {
      counter->allocated = 0;
      counter->freed = 0;
    }
    counts_.out_of_memory = 0;
  }
  [[nodiscard]] RequestCounts read() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  RequestCounts counts_;
};

}  // namespace cuda_shutdown

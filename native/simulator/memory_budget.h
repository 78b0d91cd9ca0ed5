// How much of a device's memory is taken. State: one object per device.
// Threads: any, without a lock.
#pragma once

#include <atomic>
#include <cstdint>

#include "ledger.h"

namespace cuda_simulator {

class MemoryBudget {
 public:
  MemoryBudget(std::uint64_t capacity, DeviceLedger& ledger)
      : capacity_(capacity), ledger_(ledger) {}

  std::uint64_t capacity() const { return capacity_; }
  std::uint64_t free() const { return capacity_ - committed_.load(); }

  // False, and nothing taken, when the device has not that much left.
  bool commit(std::uint64_t bytes) {
    std::uint64_t committed = committed_.load();
    do {
      if (bytes > capacity_ - committed) return false;
    } while (!committed_.compare_exchange_weak(committed, committed + bytes));
    ledger_add(ledger_.reserved_bytes, bytes);
    return true;
  }

  void release(std::uint64_t bytes) {
    committed_ -= bytes;
    ledger_subtract(ledger_.reserved_bytes, bytes);
  }

 private:
  const std::uint64_t capacity_;
  DeviceLedger& ledger_;
  std::atomic<std::uint64_t> committed_{0};
};

}  // namespace cuda_simulator

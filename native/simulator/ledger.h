// The ledger: what the process holds on its devices, readable from outside while it runs and after
// it is gone. State: one mapping per world, of a file (MAP_SHARED) or of private memory.
//
// Threads: any. Every field is updated by atomic operations on its own; fields are not consistent
// with one another at each instant.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

namespace cuda_simulator {

// The layout of the file, little endian.
struct DeviceLedger {
  std::uint64_t
      used_bytes;  // of live allocations, as requested; falls when the stream reaches the free
  std::uint64_t reserved_bytes;  // taken from the device's memory: pools and cudaMalloc
  std::uint64_t live_allocations;
  std::uint64_t total_allocations;
  std::uint64_t total_frees;
  std::uint64_t peak_used_bytes;
  std::uint64_t context_active;  // 0 or 1
  std::uint64_t sticky_error;    // 0, or the code the device answers for ever
  std::uint64_t invalid_frees;   // of pointers unknown or freed before
  std::uint64_t live_streams;    // created and not destroyed; default streams are not counted
  std::uint64_t live_events;
  std::uint64_t faults_acted;  // in calls that concern the device, also one that still hangs
  std::uint64_t padding[4];
};

struct LedgerHeader {
  char magic[8];  // "CUDALEDG"
  std::uint32_t version;
  std::uint32_t device_count;
  std::uint64_t pinned_host_bytes;
  std::uint64_t pid;
  std::uint64_t total_calls;
  std::uint64_t padding[3];
};

inline constexpr std::uint32_t kLedgerVersion = 1;
static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(LedgerHeader) == 64);
static_assert(offsetof(LedgerHeader, version) == 8);
static_assert(offsetof(LedgerHeader, device_count) == 12);
static_assert(offsetof(LedgerHeader, pinned_host_bytes) == 16);
static_assert(offsetof(LedgerHeader, pid) == 24);
static_assert(offsetof(LedgerHeader, total_calls) == 32);
static_assert(sizeof(DeviceLedger) == 128);
static_assert(offsetof(DeviceLedger, peak_used_bytes) == 40);
static_assert(offsetof(DeviceLedger, live_events) == 80);
static_assert(offsetof(DeviceLedger, faults_acted) == 88);

class Ledger {
 public:
  // An empty path: in private memory. Throws BadSetting when the file cannot be made.
  Ledger(const std::string& path, int devices);
  Ledger(const Ledger&) = delete;  // the mapping is never unmapped: late threads may still write
  Ledger& operator=(const Ledger&) = delete;

  LedgerHeader& header() { return *header_; }
  DeviceLedger& device(int ordinal);

  // A copy, field by field.
  DeviceLedger snapshot(int ordinal);

 private:
  LedgerHeader* header_;
};

inline void ledger_set(std::uint64_t& field, std::uint64_t value) {
  std::atomic_ref(field).store(value, std::memory_order_relaxed);
}
inline std::uint64_t ledger_add(std::uint64_t& field, std::uint64_t amount) {
  return std::atomic_ref(field).fetch_add(amount, std::memory_order_relaxed) + amount;
}
inline void ledger_subtract(std::uint64_t& field, std::uint64_t amount) {
  std::atomic_ref(field).fetch_sub(amount, std::memory_order_relaxed);
}

void ledger_allocated(DeviceLedger& device, std::uint64_t bytes);
void ledger_freed(DeviceLedger& device, std::uint64_t bytes);

}  // namespace cuda_simulator

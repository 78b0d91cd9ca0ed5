// A device: its primary context, memory, streams and pools. State: one object per device and world.
//
// Threads: any. Context and error are atomics; `pools_mutex_` guards pools_ and is
// never held together with a pool's mutex.
#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "address_map.h"
#include "ledger.h"
#include "memory_budget.h"
#include "memory_pool.h"
#include "stream_set.h"

namespace cuda_simulator {

class Device {
 public:
  Device(int ordinal, std::uint64_t capacity, AddressMap& addresses, DeviceLedger& ledger);
  Device(const Device&) = delete;  // streams and pools refer to it
  Device& operator=(const Device&) = delete;

  int ordinal() const { return ordinal_; }
  DeviceLedger& ledger() { return ledger_; }
  MemoryBudget& budget() { return budget_; }
  StreamSet& streams() { return streams_; }

  // The primary context begins with the first call that needs it, and ends with cudaDeviceReset.
  bool active() const { return active_.load(); }
  void activate();
  void deactivate();

  // Once lost, the device answers `code` for ever: no work runs, no memory is freed.
  void lose(cudaError_t code);
  cudaError_t error() const { return static_cast<cudaError_t>(sticky_error_.load()); }

  // Each waits without bound, and answers the device's error. The host has then seen the work, and
  // pools give back what is above their threshold.
  cudaError_t synchronize();
  cudaError_t synchronize(const std::vector<Marker>& markers);

  // cudaSetDeviceFlags' flags.
  std::atomic<unsigned int> flags{0};
  // The devices whose memory this one may reach, a bit for each. False: it was so before.
  bool enable_peer(int peer) { return (peers_.fetch_or(bit(peer)) & bit(peer)) == 0; }
  bool disable_peer(int peer) { return (peers_.fetch_and(~bit(peer)) & bit(peer)) != 0; }
  bool reaches(int peer) const { return peer == ordinal_ || (peers_.load() & bit(peer)) != 0; }
  void forget_peers() { peers_ = 0; }

  std::shared_ptr<MemoryPool> create_pool(std::uint64_t max_size);
  // Handles. Null where the device has no pools.
  std::atomic<cudaMemPool_t> default_pool{nullptr};
  std::atomic<cudaMemPool_t> current_pool{nullptr};
  void forget_pool(const std::shared_ptr<MemoryPool>& pool);
  // Before the device is out of memory, its pools give back what they hold unused.
  void reclaim_from_pools();

 private:
  static constexpr std::uint64_t bit(int ordinal) { return std::uint64_t{1} << ordinal; }
  std::vector<std::shared_ptr<MemoryPool>> pools();

  const int ordinal_;
  AddressMap& addresses_;
  DeviceLedger& ledger_;
  MemoryBudget budget_;
  std::atomic<bool> active_{false};
  std::atomic<int> sticky_error_{0};
  std::atomic<std::uint64_t> peers_{0};
  StreamSet streams_;
  std::mutex pools_mutex_;
  std::vector<std::shared_ptr<MemoryPool>> pools_;
};

}  // namespace cuda_simulator

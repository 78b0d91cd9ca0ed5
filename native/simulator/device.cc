#include "device.h"

namespace cuda_simulator {

Device::Device(int ordinal, std::uint64_t capacity, AddressMap& addresses, DeviceLedger& ledger)
    : ordinal_(ordinal),
      addresses_(addresses),
      ledger_(ledger),
      budget_(capacity, ledger),
      streams_(ordinal, sticky_error_) {}

void Device::activate() {
  if (active_.load()) return;
  active_ = true;
  ledger_set(ledger_.context_active, 1);
}

void Device::deactivate() {
  active_ = false;
  ledger_set(ledger_.context_active, 0);
}

void Device::lose(cudaError_t code) {
  int none = 0;
  if (!sticky_error_.compare_exchange_strong(none, static_cast<int>(code))) return;
  ledger_set(ledger_.sticky_error, static_cast<std::uint64_t>(code));
  streams_.wake_all();
}

cudaError_t Device::synchronize() { return synchronize(streams_.outstanding()); }

cudaError_t Device::synchronize(const std::vector<Marker>& markers) {
  for (const Marker& marker : markers) {
    if (!marker.wait()) return error();
    marker.observe();
  }
  for (const auto& pool : pools()) pool->release_above_threshold();
  return error();
}

std::shared_ptr<MemoryPool> Device::create_pool(std::uint64_t max_size) {
  auto pool = std::make_shared<MemoryPool>(ordinal_, max_size, budget_, addresses_, ledger_);
  const std::lock_guard lock(pools_mutex_);
  pools_.push_back(pool);
  return pool;
}

void Device::forget_pool(const std::shared_ptr<MemoryPool>& pool) {
  const std::lock_guard lock(pools_mutex_);
  std::erase(pools_, pool);
}

void Device::reclaim_from_pools() {
  for (const auto& pool : pools()) pool->trim(0, false);
}

std::vector<std::shared_ptr<MemoryPool>> Device::pools() {
  const std::lock_guard lock(pools_mutex_);
  return pools_;
}

}  // namespace cuda_simulator

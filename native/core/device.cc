#include "core/device.h"

#include <stdexcept>
#include <utility>

namespace cuda_shutdown {

Device::Device(DeviceProperties properties)
    : properties_(std::move(properties)),
      context_(properties_.index),
      ring_(context_),
      work_(Lane::create("cuda-device-" + std::to_string(properties_.index))),
      reading_(Lane::create("cuda-read-" + std::to_string(properties_.index))) {}

JobHandle Device::submit(Job::Work work, Job::Settled settled, Job::Returned returned,
                         Deadline deadline, Convoy convoy) {
  return submit_to(work_, std::move(work), std::move(settled), std::move(returned), deadline,
                   convoy);
}

JobHandle Device::submit_reading(Job::Work work, Job::Settled settled, Deadline deadline) {
  return submit_to(reading_, std::move(work), std::move(settled), nullptr, deadline, 0);
}

void Device::submit_at(Clock::time_point when, Job::Work work, Job::Settled settled) {
  work_->submit_at(when, std::make_shared<Job>(guarded(std::move(work)), std::move(settled),
                                               nullptr, no_deadline));
}

JobHandle Device::submit_to(const std::shared_ptr<Lane>& lane, Job::Work work, Job::Settled settled,
                            Job::Returned returned, Deadline deadline, Convoy convoy) {
  auto job = std::make_shared<Job>(guarded(std::move(work)), std::move(settled),
                                   std::move(returned), deadline, convoy);
  lane->submit(job);
  return {lane, std::move(job)};
}

Job::Work Device::guarded(Job::Work work) {
  return [this, inner = std::move(work)](const Limits& limits) {
    if (context_.lost()) throw CudaException(context_.loss());
    return inner(limits);
  };
}

std::shared_ptr<MemoryPool> Device::pool() {
  if (auto pool = existing_pool()) return pool;
  context_.make_current();
  std::size_t free = 0;
  std::size_t total = 0;
  context_.check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  auto made = std::make_shared<MemoryPool>(context_, properties_.memory_pools_supported);
  std::shared_ptr<MemoryPool> first;
  {
    const std::lock_guard lock(mutex_);
    if (!pool_) {
      pool_ = made;
      if (free_at_first_use_ == 0) free_at_first_use_ = free;
      return made;
    }
    first = pool_;
  }
  // This thread was left behind in the calls above, and another has made the pool.
  made->discard();
  return first;
}

std::shared_ptr<MemoryPool> Device::existing_pool() const {
  const std::lock_guard lock(mutex_);
  return pool_;
}

std::uint64_t Device::free_at_first_use() const {
  const std::lock_guard lock(mutex_);
  return free_at_first_use_;
}

std::size_t Device::models() const noexcept {
  return static_cast<std::size_t>(presence_.use_count()) - 1;
}

void Device::retire() {
  work_->end();
  reading_->end();
}

void Device::reset() {
  const auto blocks = requests_.read().blocks.current;
  if (blocks > 0 || models() > 0) {
    throw std::logic_error("Expected no model on device " + std::to_string(index()) +
                           " when it is reset, got " + std::to_string(models()) + " with " +
                           std::to_string(blocks) + " blocks in use");
  }
  std::shared_ptr<MemoryPool> pool;
  {
    const std::lock_guard lock(mutex_);
    pool.swap(pool_);
    free_at_first_use_ = 0;
  }
  context_.make_current();
  ring_.clear();
  if (pool) pool->destroy();
  context_.check(cudaDeviceReset(), "cudaDeviceReset");
  context_.was_reset();
}

}  // namespace cuda_shutdown

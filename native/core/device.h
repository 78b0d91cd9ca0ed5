// One CUDA device: its context, its private pool, its threads. Process lifetime: made once by the
// runtime (runtime.h), never destroyed, because a thread of it may be inside the driver for ever.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "core/context.h"
#include "core/job.h"
#include "core/lane.h"
#include "core/memory_pool.h"
#include "core/pinned_ring.h"
#include "core/request_counters.h"

namespace cuda_shutdown {

struct DeviceProperties {
  int index = 0;
  std::string name;
  std::string uuid;        // As nvidia-smi prints it: GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx.
  std::string pci_bus_id;  // domain:bus:device.function
  std::uint64_t total_memory = 0;
  int compute_major = 0;
  int compute_minor = 0;
  bool memory_pools_supported = false;
};

// Work under way on a lane, for whoever may want to cancel it.
struct JobHandle {
  std::shared_ptr<Lane> lane;
  std::shared_ptr<Job> job;
  void cancel() const noexcept { lane->cancel(job); }
};

// Thread-safe, except where a method says that it belongs to the device's threads.
class Device {
 public:
  explicit Device(DeviceProperties properties);
  Device(const Device&) = delete;  // Models, jobs and threads refer to it.
  Device& operator=(const Device&) = delete;

  [[nodiscard]] const DeviceProperties& properties() const noexcept { return properties_; }
  [[nodiscard]] int index() const noexcept { return properties_.index; }
  [[nodiscard]] Context& context() noexcept { return context_; }
  [[nodiscard]] PinnedRing& ring() noexcept { return ring_; }
  [[nodiscard]] RequestCounters& requests() noexcept { return requests_; }
  [[nodiscard]] const Lane& lane() const noexcept { return *work_; }

  // Runs `work` on the device's thread, after what was submitted before. It fails at once, without
  // a CUDA call, on a device that is lost, and where no thread can be started (Lane::submit).
  JobHandle submit(Job::Work work, Job::Settled settled, Job::Returned returned = nullptr,
                   Deadline deadline = no_deadline, Convoy convoy = 0);
  // As submit, once `when` has come.
  void submit_at(Clock::time_point when, Job::Work work, Job::Settled settled);
  // As submit, on a second thread that only reads, and so is not kept waiting by long work.
  JobHandle submit_reading(Job::Work work, Job::Settled settled, Deadline deadline);

  // The private pool, made when first asked for. On the device's threads only: creates the context.
  // Shared, so that a thread that was left behind keeps the pool it works with.
  [[nodiscard]] std::shared_ptr<MemoryPool> pool();
  // The same, or null where it has not been made. Any thread; no CUDA call.
  [[nodiscard]] std::shared_ptr<MemoryPool> existing_pool() const;
  // The device's free memory when this process first used it; 0 before.
  [[nodiscard]] std::uint64_t free_at_first_use() const;
  // Held by whatever a reset would take handles from: a model, also one without blocks.
  using Presence = std::shared_ptr<const void>;
  [[nodiscard]] Presence presence() const noexcept { return presence_; }
  // How many hold it.
  [[nodiscard]] std::size_t models() const noexcept;
  // On the device's thread. cudaDeviceReset, after the pool is gone.
  // Throws std::logic_error while there are models.
  void reset();
  // Ends its threads: nothing may be submitted any more. The device itself stays for those who hold
  // it.
  void retire();

 private:
  JobHandle submit_to(const std::shared_ptr<Lane>& lane, Job::Work work, Job::Settled settled,
                      Job::Returned returned, Deadline deadline, Convoy convoy);
  [[nodiscard]] Job::Work guarded(Job::Work work);

  const DeviceProperties properties_;
  Context context_;
  PinnedRing ring_;
  RequestCounters requests_;
  const Presence presence_ = std::make_shared<char>();
  const std::shared_ptr<Lane> work_;
  const std::shared_ptr<Lane> reading_;
  mutable std::mutex mutex_;  // Guards what follows; never held during a CUDA call that may block.
  std::shared_ptr<MemoryPool> pool_;
  std::uint64_t free_at_first_use_ = 0;
};

}  // namespace cuda_shutdown

#include "core/memory.h"

#include <exception>

#include "core/nvml.h"
#include "core/stream.h"

namespace cuda_shutdown {

namespace {

bool may_block(Device& device) {
  return device.context().lost() || device.lane().left_behind() > 0;
}

std::uint64_t reserved_by_graphs(Device& device) {
  std::uint64_t bytes = 0;
  device.context().check(
      cudaDeviceGetGraphMemAttribute(device.index(), cudaGraphMemAttrReservedMemCurrent, &bytes),
      "cudaDeviceGetGraphMemAttribute");
  return bytes;
}

std::uint64_t reserved_by(Device& device, cudaMemPool_t pool) {
  std::uint64_t bytes = 0;
  device.context().check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &bytes),
                         "cudaMemPoolGetAttribute");
  return bytes;
}

// One cache: how much it holds, and how it is emptied. Answers what came back.
template <typename Reserved, typename Trim>
std::uint64_t empty_one(std::exception_ptr& first_failure, Reserved reserved, Trim trim) {
  try {
    const std::uint64_t before = reserved();
    trim();
    const std::uint64_t after = reserved();
    return before > after ? before - after : 0;
  } catch (...) {
    if (!first_failure) first_failure = std::current_exception();
    return 0;
  }
}

}  // namespace

MemoryStats memory_stats(Device& device) {
  MemoryStats stats;
  stats.requests = device.requests().read();
  const auto pool = device.existing_pool();
  if (!pool) return stats;
  if (!pool->counts()) {
    const Counter& bytes = stats.requests.bytes;
    stats.allocated = stats.reserved = {bytes.current, bytes.peak};
  } else if (!may_block(device)) {
    stats.allocated = pool->used();
    stats.reserved = pool->reserved();
  }
  return stats;
}

void reset_peak_memory_stats(Device& device) {
  device.requests().reset_peaks();
  const auto pool = device.existing_pool();
  if (pool && !may_block(device)) pool->reset_peaks();
}

MemoryReading read_memory(Device& device) {
  device.context().make_current();
  std::size_t free = 0;
  std::size_t total = 0;
  device.context().check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  MemoryReading reading{free, total, 0, 0};
  if (const auto pool = device.existing_pool()) {
    const auto held = device.requests().read().bytes.current;
    reading.allocated = pool->counts() ? pool->used().current : held;
    reading.reserved = pool->counts() ? pool->reserved().current : held;
  }
  return reading;
}

std::uint64_t empty_cache(Device& device) {
  Context& context = device.context();
  if (!context.initialised()) return 0;
  context.make_current();
  std::exception_ptr failure;
  std::uint64_t released = 0;
  if (const auto pool = device.existing_pool(); pool && pool->counts()) {
    released += empty_one(
        failure, [&] { return pool->reserved().current; }, [&] { pool->trim(); });
  }
  if (device.properties().memory_pools_supported && !context.lost()) {
    cudaMemPool_t shared = nullptr;
    released += empty_one(
        failure,
        [&] {
          context.check(cudaDeviceGetDefaultMemPool(&shared, device.index()),
                        "cudaDeviceGetDefaultMemPool");
          return reserved_by(device, shared);
        },
        [&] { context.check(cudaMemPoolTrimTo(shared, 0), "cudaMemPoolTrimTo"); });
  }
  if (device.properties().memory_pools_supported && !context.lost()) {
    released += empty_one(
        failure, [&] { return reserved_by_graphs(device); },
        [&] { context.check(cudaDeviceGraphMemTrim(device.index()), "cudaDeviceGraphMemTrim"); });
  }
  if (failure) std::rethrow_exception(failure);
  return released;
}

Outcome synchronize(Device& device, const Limits& limits) {
  Context& context = device.context();
  if (!context.initialised()) return Outcome::done;
  context.make_current();
  Event everything_before(context);
  everything_before.record(cudaStreamLegacy);
  if (!everything_before.wait(limits)) return Outcome::interrupted;
  context.check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  return Outcome::done;
}

std::optional<ProcessMemory> process_memory(Device& device, bool ask_nvml) {
  if (!device.context().initialised()) return std::nullopt;
  if (ask_nvml) {
    if (const auto bytes = nvml_process_bytes(device.properties().pci_bus_id)) {
      return ProcessMemory{*bytes, true};
    }
  }
  const auto at_first = device.free_at_first_use();
  if (at_first == 0) return std::nullopt;
  const auto free = read_memory(device).free;
  return ProcessMemory{at_first > free ? at_first - free : 0, false};
}

}  // namespace cuda_shutdown

// What can be known of a device's memory, and what can be given back.
#pragma once

#include <cstdint>
#include <optional>

#include "core/device.h"

namespace cuda_shutdown {

// Bytes of one device at one moment. `allocated` and `reserved` are the private pool's.
struct MemoryReading {
  std::uint64_t free = 0;
  std::uint64_t total = 0;
  std::uint64_t allocated = 0;
  std::uint64_t reserved = 0;
};

struct MemoryStats {
  MemoryPool::Usage allocated;
  MemoryPool::Usage reserved;
  RequestCounts requests;
};

// Any thread. Zeros before the pool exists. On a device that is lost, or has a thread stuck in a
// call, whose locks the driver may hold, only our own counts are read: the pool's are zero.
[[nodiscard]] MemoryStats memory_stats(Device& device);
void reset_peak_memory_stats(Device& device);

// On the device's threads, with the device's context; creates it.
[[nodiscard]] MemoryReading read_memory(Device& device);

// The next three belong on the device's thread and do nothing on a device without a context.

// Gives back what the caches hold: the private pool, the device's default pool (which other
// libraries in the process use), and the memory of graphs. Every part is tried; the first failure
// is thrown afterwards. Answers the bytes that came back.
std::uint64_t empty_cache(Device& device);

// Waits for everything on the device. First by polling, which can be told to stop, for the default
// stream and every stream that synchronises with it; then by cudaDeviceSynchronize, which alone
// knows the non-blocking streams of other libraries, and which cannot.
[[nodiscard]] Outcome synchronize(Device& device, const Limits& limits);

// Bytes of the device that this process holds: by NVML where it can tell, else by how much less is
// free than when this process first used the device, in which other processes count too.
struct ProcessMemory {
  std::uint64_t bytes;
  bool from_nvml;
};
[[nodiscard]] std::optional<ProcessMemory> process_memory(Device& device, bool ask_nvml);

}  // namespace cuda_shutdown

// The private pool of one device: the driver's stream-ordered allocator (cudaMemPool_t) with its
// release threshold at the maximum, which makes it a cache. A device without pools falls back to
// cudaMalloc and cudaFree, without a cache.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <shared_mutex>

#include "core/context.h"

namespace cuda_shutdown {

// Object lifetime (a device's, or until the device is reset). The counters and their reset belong
// to any thread, everything else to the device's, with the device current.
class MemoryPool {
 public:
  MemoryPool(Context& context, bool pools_supported);
  MemoryPool(const MemoryPool&) = delete;  // Owns the handle.
  MemoryPool& operator=(const MemoryPool&) = delete;
  // Once nothing allocates or frees any more. The counters are zero from then on.
  void destroy();
  // As destroy, for a pool that nobody has used; a failure is not worth more than the pool.
  void discard() noexcept;

  // `bytes` above 0. Throws CudaException, with cudaErrorMemoryAllocation when the device is full.
  [[nodiscard]] void* allocate(std::uint64_t bytes, cudaStream_t stream);
  void free(void* pointer, cudaStream_t stream);
  // Gives back what is reserved and not used. Skips what the host has not yet seen freed.
  void trim();

  struct Usage {
    std::uint64_t current = 0;
    std::uint64_t peak = 0;
  };
  // Whether it is a pool, which the driver counts for.
  [[nodiscard]] bool counts() const noexcept { return supported_; }
  [[nodiscard]] Usage used();
  [[nodiscard]] Usage reserved();
  void reset_peaks();

 private:
  [[nodiscard]] std::uint64_t attribute(cudaMemPoolAttr name);

  Context& context_;
  const bool supported_;
  // Shared while a counter is read, which may hang and must not keep others from theirs.
  std::shared_mutex destroying_;
  cudaMemPool_t pool_ = nullptr;
};

}  // namespace cuda_shutdown

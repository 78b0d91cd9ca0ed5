#include "core/memory_pool.h"

#include <limits>
#include <mutex>

namespace cuda_shutdown {

MemoryPool::MemoryPool(Context& context, bool pools_supported)
    : context_(context), supported_(pools_supported) {
  if (!pools_supported) return;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = context.device();
  context.check(cudaMemPoolCreate(&pool_, &properties), "cudaMemPoolCreate");
  auto threshold = std::numeric_limits<std::uint64_t>::max();
  try {
    context.check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &threshold),
                  "cudaMemPoolSetAttribute");
  } catch (...) {
    discard();
    throw;
  }
}

void MemoryPool::destroy() {
  const std::lock_guard lock(destroying_);
  if (pool_ == nullptr) return;
  context_.check(cudaMemPoolDestroy(pool_), "cudaMemPoolDestroy");
  pool_ = nullptr;
}

void MemoryPool::discard() noexcept {
  if (context_.lost()) return;
  try {
    destroy();
  } catch (const CudaException&) {
  }
}

void* MemoryPool::allocate(std::uint64_t bytes, cudaStream_t stream) {
  void* pointer = nullptr;
  if (pool_ != nullptr) {
    context_.check(cudaMallocFromPoolAsync(&pointer, bytes, pool_, stream),
                   "cudaMallocFromPoolAsync");
  } else {
    context_.check(cudaMalloc(&pointer, bytes), "cudaMalloc");
  }
  return pointer;
}

void MemoryPool::free(void* pointer, cudaStream_t stream) {
  if (pool_ != nullptr) {
    context_.check(cudaFreeAsync(pointer, stream), "cudaFreeAsync");
  } else {
    context_.check(cudaFree(pointer), "cudaFree");
  }
}

void MemoryPool::trim() {
  if (pool_ != nullptr) context_.check(cudaMemPoolTrimTo(pool_, 0), "cudaMemPoolTrimTo");
}

MemoryPool::Usage MemoryPool::used() {
  return {attribute(cudaMemPoolAttrUsedMemCurrent), attribute(cudaMemPoolAttrUsedMemHigh)};
}

MemoryPool::Usage MemoryPool::reserved() {
  return {attribute(cudaMemPoolAttrReservedMemCurrent), attribute(cudaMemPoolAttrReservedMemHigh)};
}

void MemoryPool::reset_peaks() {
  const std::shared_lock lock(destroying_);
  if (pool_ == nullptr) return;
  for (const auto name : {cudaMemPoolAttrUsedMemHigh, cudaMemPoolAttrReservedMemHigh}) {
    // 0 is the only value that these take: it resets them to the current one.
    std::uint64_t zero = 0;
    context_.check(cudaMemPoolSetAttribute(pool_, name, &zero), "cudaMemPoolSetAttribute");
  }
}

std::uint64_t MemoryPool::attribute(cudaMemPoolAttr name) {
  std::uint64_t value = 0;
  const std::shared_lock lock(destroying_);
  if (pool_ == nullptr) return value;
  context_.check(cudaMemPoolGetAttribute(pool_, name, &value), "cudaMemPoolGetAttribute");
  return value;
}

}  // namespace cuda_shutdown

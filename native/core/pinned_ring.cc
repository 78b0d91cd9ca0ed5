#include "core/pinned_ring.h"

#include <new>
#include <utility>

namespace cuda_shutdown {

PinnedChunk::PinnedChunk(Context& context) : context_(context), copied_(context) {
  context.check(cudaHostAlloc(&memory_, bytes, cudaHostAllocDefault), "cudaHostAlloc");
}

PinnedChunk::~PinnedChunk() {
  if (context_.lost()) return;
  if (cudaFreeHost(memory_) != cudaSuccess) cudaGetLastError();
}

std::unique_ptr<PinnedChunk> PinnedRing::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!chunks_.empty()) {
      auto chunk = std::move(chunks_.back());
      chunks_.pop_back();
      return chunk;
    }
  }
  return std::make_unique<PinnedChunk>(context_);
}

void PinnedRing::put_back(std::unique_ptr<PinnedChunk> chunk) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    chunks_.push_back(std::move(chunk));
  } catch (const std::bad_alloc&) {
    // It is not kept: the caller's pointer frees it.
  }
}

void PinnedRing::give_back() {
  if (waiting_.load() == 0) clear();
}

void PinnedRing::clear() {
  // Declared first, so that its end, which calls CUDA, comes after the lock's.
  std::vector<std::unique_ptr<PinnedChunk>> chunks;
  const std::lock_guard lock(mutex_);
  chunks.swap(chunks_);
}

bool PinnedRing::load_waits_no_more() {
  if (--waiting_ > 0) return false;
  const std::lock_guard lock(mutex_);
  return !chunks_.empty();
}

}  // namespace cuda_shutdown

// The pool's dealings with the device's memory: taking chunks, giving them back, and its
// attributes.
#include <algorithm>
#include <cstring>

#include "memory_pool.h"

namespace cuda_simulator {

bool MemoryPool::grow(std::uint64_t size) {
  const auto whole = [&](std::uint64_t multiple) {
    return (size + multiple - 1) / multiple * multiple;
  };
  return grow_by(whole(kUsualChunk)) || grow_by(whole(kGranularity));
}

bool MemoryPool::grow_by(std::uint64_t chunk) {
  if (reserved_ > max_size_ || chunk > max_size_ - reserved_ || !budget_.commit(chunk)) {
    return false;
  }
  const std::uintptr_t base = addresses_.map({.kind = Region::Kind::kPoolChunk,
                                              .device = device_,
                                              .size = chunk,
                                              .committed = chunk,
                                              .pool = shared_from_this()});
  if (base == 0) {
    budget_.release(chunk);
    return false;
  }
  const auto entered = chunks_.emplace(base, Chunk{.size = chunk}).first;
  blocks_.emplace(base, Block{.size = chunk, .chunk = entered});
  free_.emplace(chunk, base);
  unoccupied_.insert(base);
  reserved_ += chunk;
  reserved_high_ = std::max(reserved_high_, reserved_);
  return true;
}

bool MemoryPool::seen_complete(Frees& frees) {
  std::erase_if(frees, [](const auto& last) { return last.first->observed(last.second); });
  return frees.empty();
}

void MemoryPool::release(Chunks::iterator chunk) {
  const auto [base, size] = std::pair(chunk->first, chunk->second.size);
  free_.erase({size, base});
  blocks_.erase(base);
  unoccupied_.erase(base);
  chunks_.erase(chunk);
  reserved_ -= size;
  budget_.release(size);
  addresses_.unmap(base, Region::Kind::kPoolChunk);
}

void MemoryPool::release_if_done() {
  if (destroyed_ && unoccupied_.size() == chunks_.size() && frees_.empty()) {
    while (!chunks_.empty()) release(chunks_.begin());
  }
}

void MemoryPool::trim_locked(std::uint64_t bytes_to_keep, bool seen_by_host) {
  for (auto base = unoccupied_.begin(); base != unoccupied_.end() && reserved_ > bytes_to_keep;) {
    const auto chunk = chunks_.find(*base);
    ++base;  // release() takes the element out
    const bool kept = reserved_ - bytes_to_keep < chunk->second.size;
    if (!kept && (!seen_by_host || seen_complete(chunk->second.last_frees))) release(chunk);
  }
}

void MemoryPool::trim(std::uint64_t bytes_to_keep, bool seen_by_host) {
  const std::lock_guard lock(mutex_);
  trim_locked(bytes_to_keep, seen_by_host);
}

void MemoryPool::release_above_threshold() {
  const std::lock_guard lock(mutex_);
  trim_locked(release_threshold_, true);
}

void MemoryPool::destroy() {
  const std::lock_guard lock(mutex_);
  destroyed_ = true;
  release_if_done();
}

void MemoryPool::set_access(int device, cudaMemAccessFlags flags) {
  const std::lock_guard lock(mutex_);
  access_[device] = flags;
}

cudaMemAccessFlags MemoryPool::access(int device) const {
  if (device == device_) return cudaMemAccessFlagsProtReadWrite;
  const std::lock_guard lock(mutex_);
  const auto found = access_.find(device);
  return found != access_.end() ? found->second : cudaMemAccessFlagsProtNone;
}

cudaError_t MemoryPool::set_attribute(cudaMemPoolAttr attribute, const void* value) {
  const auto read = [value](auto& into) { std::memcpy(&into, value, sizeof(into)); };
  std::uint64_t bytes = 0;
  const std::lock_guard lock(mutex_);
  switch (attribute) {
    case cudaMemPoolReuseFollowEventDependencies:
      read(reuse_follow_event_dependencies_);
      return cudaSuccess;
    case cudaMemPoolReuseAllowOpportunistic:
      read(reuse_allow_opportunistic_);
      return cudaSuccess;
    case cudaMemPoolReuseAllowInternalDependencies:
      read(reuse_allow_internal_dependencies_);
      return cudaSuccess;
    case cudaMemPoolAttrReleaseThreshold:
      read(release_threshold_);
      return cudaSuccess;
    case cudaMemPoolAttrReservedMemHigh:
      read(bytes);
      if (bytes != 0) return cudaErrorInvalidValue;
      reserved_high_ = reserved_;
      return cudaSuccess;
    case cudaMemPoolAttrUsedMemHigh:
      read(bytes);
      if (bytes != 0) return cudaErrorInvalidValue;
      used_high_ = used_;
      return cudaSuccess;
    default:
      return cudaErrorInvalidValue;
  }
}

cudaError_t MemoryPool::get_attribute(cudaMemPoolAttr attribute, void* value) const {
  const auto write = [value](const auto& from) {
    std::memcpy(value, &from, sizeof(from));
    return cudaSuccess;
  };
  const std::lock_guard lock(mutex_);
  switch (attribute) {
    case cudaMemPoolReuseFollowEventDependencies:
      return write(reuse_follow_event_dependencies_);
    case cudaMemPoolReuseAllowOpportunistic:
      return write(reuse_allow_opportunistic_);
    case cudaMemPoolReuseAllowInternalDependencies:
      return write(reuse_allow_internal_dependencies_);
    case cudaMemPoolAttrReleaseThreshold:
      return write(release_threshold_);
    case cudaMemPoolAttrReservedMemCurrent:
      return write(reserved_);
    case cudaMemPoolAttrReservedMemHigh:
      return write(reserved_high_);
    case cudaMemPoolAttrUsedMemCurrent:
      return write(used_);
    case cudaMemPoolAttrUsedMemHigh:
      return write(used_high_);
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace cuda_simulator

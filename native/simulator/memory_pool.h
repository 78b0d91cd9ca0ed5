// A pool of the stream-ordered allocator (cudaMemPool_t). State: shared by its handle and by the
// address map's chunks, so that a destroyed pool lives until its last allocation is freed.
//
// The device's memory is taken in chunks, cut into blocks of multiples of 512 bytes. A block is
// live, then pending (freed in a stream that has not reached the free), then free (reached; merged
// with its free neighbours). A chunk goes back to the device when all of it is free and the host
// has seen the streams reach the frees.
//
// Who may reuse a block: the stream that freed it, at once; a stream that is ordered behind the
// free (cudaMemPoolReuseFollowEventDependencies); any stream once the free is reached
// (cudaMemPoolReuseAllowOpportunistic) or the host has seen it reached; and where the device has no
// memory left, any stream, made to wait for the free (cudaMemPoolReuseAllowInternalDependencies).
//
// Threads: any. `mutex_` guards all but the constants. Lock order: Stream::mutex_, then this, then
// AddressMap's; never two pools'.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "address_map.h"
#include "ledger.h"
#include "memory_budget.h"
#include "stream.h"
#include "stream_set.h"

namespace cuda_simulator {

class MemoryPool : public std::enable_shared_from_this<MemoryPool> {
 public:
  static constexpr std::uint64_t kAlignment = 512;
  static constexpr std::uint64_t kGranularity = 2ULL << 20;  // of the driver's pages
  static constexpr std::uint64_t kUsualChunk = 32ULL << 20;  // taken where there is room for it
  // The ticket of a free: what the stream says when it reaches it.
  using Ticket = std::uint64_t;

  // `max_size` 0: as much as the device has.
  MemoryPool(int device, std::uint64_t max_size, MemoryBudget& budget, AddressMap& addresses,
             DeviceLedger& ledger);

  int device() const { return device_; }

  // `reach`: what the stream is ordered behind. nullptr when neither the pool nor the device has
  // that much left.
  void* allocate(std::uint64_t bytes, const Stream& stream, const Reach& reach);
  // The last resort: memory of a pending block; the stream has to wait for `after`.
  void* allocate_after(std::uint64_t bytes, Marker& after);

  // First half of cudaFreeAsync: 0 when the pointer is not that of a live allocation.
  Ticket free_in(const void* pointer, const std::shared_ptr<Stream>& stream);
  // The free's number in its stream, once it is enqueued.
  void numbered(Ticket ticket, std::uint64_t sequence);
  // Second half, when the stream reaches it.
  void reached(Ticket ticket, const std::shared_ptr<Stream>& stream, std::uint64_t sequence);
  // cudaFree: at once. False when the pointer is not that of a live allocation.
  bool free_now(const void* pointer);

  // Whether the bytes are within one live allocation.
  bool covers(const void* pointer, std::uint64_t bytes) const;

  // Gives chunks back while at least `bytes_to_keep` stay reserved. Frees that the host has not
  // seen complete are skipped, unless the driver looks for itself (`seen_by_host` false).
  void trim(std::uint64_t bytes_to_keep, bool seen_by_host = true);
  void release_above_threshold();
  // The handle is gone: everything goes back as soon as nothing is live or pending.
  void destroy();

  // Which other devices may reach its memory, by ordinal.
  void set_access(int device, cudaMemAccessFlags flags);
  cudaMemAccessFlags access(int device) const;

  cudaError_t set_attribute(cudaMemPoolAttr attribute, const void* value);
  cudaError_t get_attribute(cudaMemPoolAttr attribute, void* value) const;

 private:
  enum class State { kLive, kPending, kFree };
  // The last free of each stream, reached and not yet seen by the host.
  using Frees = std::vector<std::pair<std::shared_ptr<Stream>, std::uint64_t>>;
  struct Chunk {
    std::uint64_t size = 0;
    std::uint64_t occupied = 0;  // live and pending blocks
    Frees last_frees = {};
  };
  using Chunks = std::map<std::uintptr_t, Chunk>;
  struct Block {
    std::uint64_t size = 0;
    std::uint64_t requested = 0;  // while live
    State state = State::kFree;
    Ticket ticket = 0;  // while pending
    Frees frees = {};   // while free: of which it was made
    Chunks::iterator chunk = {};
  };
  using Blocks = std::map<std::uintptr_t, Block>;
  using BySize = std::set<std::pair<std::uint64_t, std::uintptr_t>>;
  struct Free {
    std::shared_ptr<Stream> stream = nullptr;
    std::uint64_t sequence = 0;  // 0: not known yet
    std::uint64_t requested = 0;
    std::uint64_t size = 0;
    bool counted = true;  // still in the used bytes
    std::vector<std::uintptr_t> blocks = {};
  };

  Blocks::iterator live(const void* pointer);
  // Of frees in `freed_in`, and where `last` is given only of those up to it.
  Blocks::iterator find_pending(const Stream& freed_in, std::uint64_t size, const Marker* last);
  Blocks::iterator take_pending(Blocks::iterator block, std::uint64_t size);
  Blocks::iterator reuse_free(std::uint64_t size, const Stream& stream, const Reach& reach);
  bool may_reuse(Block& block, const Stream& stream, const Reach& reach) const;
  void* begin_life(Blocks::iterator block, std::uint64_t bytes);
  Blocks::iterator split(Blocks::iterator block, std::uint64_t size);
  void make_free(Blocks::iterator block);
  void drop_pending(const Stream* stream, Blocks::iterator block);
  static void add_free(Frees& frees, const std::shared_ptr<Stream>& stream, std::uint64_t sequence);
  void uncount(std::uint64_t requested, std::uint64_t size);
  bool grow(std::uint64_t size);
  bool grow_by(std::uint64_t chunk);
  static bool seen_complete(Frees& frees);
  void release(Chunks::iterator chunk);
  void release_if_done();
  void trim_locked(std::uint64_t bytes_to_keep, bool seen_by_host);

  const int device_;
  const std::uint64_t max_size_;
  MemoryBudget& budget_;
  AddressMap& addresses_;
  DeviceLedger& ledger_;

  mutable std::mutex mutex_;
  Chunks chunks_;
  Blocks blocks_;
  BySize free_;
  std::set<std::uintptr_t> unoccupied_;  // chunks
  std::unordered_map<const Stream*, BySize> pending_;
  std::unordered_map<Ticket, Free> frees_;  // not yet reached
  Ticket last_ticket_ = 0;
  bool destroyed_ = false;

  std::uint64_t release_threshold_ = 0;
  std::uint64_t reserved_ = 0;
  std::uint64_t reserved_high_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t used_high_ = 0;
  std::map<int, cudaMemAccessFlags> access_;
  int reuse_follow_event_dependencies_ = 1;
  int reuse_allow_opportunistic_ = 1;
  int reuse_allow_internal_dependencies_ = 1;
};

}  // namespace cuda_simulator

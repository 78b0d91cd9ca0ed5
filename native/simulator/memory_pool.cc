#include "memory_pool.h"

#include <algorithm>

namespace cuda_simulator {
namespace {

constexpr std::uint64_t round_up(std::uint64_t bytes, std::uint64_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}
std::uintptr_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

}  // namespace

MemoryPool::MemoryPool(int device, std::uint64_t max_size, MemoryBudget& budget,
                       AddressMap& addresses, DeviceLedger& ledger)
    : device_(device),
      max_size_(max_size == 0 ? std::numeric_limits<std::uint64_t>::max() : max_size),
      budget_(budget),
      addresses_(addresses),
      ledger_(ledger) {}

void* MemoryPool::allocate(std::uint64_t bytes, const Stream& stream, const Reach& reach) {
  if (bytes > budget_.capacity()) return nullptr;
  const std::uint64_t size = round_up(bytes, kAlignment);
  const std::lock_guard lock(mutex_);
  auto block = find_pending(stream, size, nullptr);
  if (reuse_follow_event_dependencies_ != 0) {
    for (auto other = reach.begin(); block == blocks_.end() && other != reach.end(); ++other) {
      block = find_pending(*other->first, size, &other->second);
    }
  }
  if (block != blocks_.end()) {
    block = take_pending(block, size);
  } else {
    block = reuse_free(size, stream, reach);
    if (block == blocks_.end() && grow(size)) block = reuse_free(size, stream, reach);
  }
  return block != blocks_.end() ? begin_life(block, bytes) : nullptr;
}

void* MemoryPool::allocate_after(std::uint64_t bytes, Marker& after) {
  if (bytes > budget_.capacity()) return nullptr;
  const std::uint64_t size = round_up(bytes, kAlignment);
  const std::lock_guard lock(mutex_);
  if (reuse_allow_internal_dependencies_ == 0) return nullptr;
  for (const auto& [stream, blocks] : pending_) {
    const Marker any{nullptr, std::numeric_limits<std::uint64_t>::max()};
    const auto block = find_pending(*stream, size, &any);
    if (block == blocks_.end()) continue;
    const Free& free = frees_.at(block->second.ticket);
    after = {free.stream, free.sequence};
    return begin_life(take_pending(block, size), bytes);
  }
  return nullptr;
}

void* MemoryPool::begin_life(Blocks::iterator block, std::uint64_t bytes) {
  block->second.state = State::kLive;
  block->second.requested = bytes;
  block->second.frees.clear();
  used_ += block->second.size;
  used_high_ = std::max(used_high_, used_);
  ledger_allocated(ledger_, bytes);
  return reinterpret_cast<void*>(block->first);  // NOLINT(performance-no-int-to-ptr)
}

MemoryPool::Blocks::iterator MemoryPool::find_pending(const Stream& freed_in, std::uint64_t size,
                                                      const Marker* last) {
  const auto pending = pending_.find(&freed_in);
  if (pending == pending_.end()) return blocks_.end();
  for (auto fit = pending->second.lower_bound({size, 0}); fit != pending->second.end(); ++fit) {
    const auto block = blocks_.find(fit->second);
    if (last == nullptr) return block;
    const std::uint64_t sequence = frees_.at(block->second.ticket).sequence;
    if (sequence != 0 && sequence <= last->sequence) return block;
  }
  return blocks_.end();
}

MemoryPool::Blocks::iterator MemoryPool::take_pending(Blocks::iterator block, std::uint64_t size) {
  Free& free = frees_.at(block->second.ticket);
  drop_pending(free.stream.get(), block);
  if (free.counted) {
    uncount(free.requested, free.size);
    free.counted = false;
  }
  std::erase(free.blocks, block->first);
  const auto rest = split(block, size);
  if (rest != blocks_.end()) {
    rest->second.state = State::kPending;
    rest->second.ticket = block->second.ticket;
    ++rest->second.chunk->second.occupied;
    free.blocks.push_back(rest->first);
    pending_[free.stream.get()].emplace(rest->second.size, rest->first);
  }
  return block;
}

bool MemoryPool::may_reuse(Block& block, const Stream& stream, const Reach& reach) const {
  if (reuse_allow_opportunistic_ != 0 || seen_complete(block.frees)) return true;
  return std::all_of(block.frees.begin(), block.frees.end(), [&](const auto& free) {
    if (free.first.get() == &stream) return true;
    const auto other = reach.find(free.first.get());
    return reuse_follow_event_dependencies_ != 0 && other != reach.end() &&
           other->second.sequence >= free.second;
  });
}

MemoryPool::Blocks::iterator MemoryPool::reuse_free(std::uint64_t size, const Stream& stream,
                                                    const Reach& reach) {
  auto fit = free_.lower_bound({size, 0});
  while (fit != free_.end() && !may_reuse(blocks_.at(fit->second), stream, reach)) ++fit;
  if (fit == free_.end()) return blocks_.end();
  const auto block = blocks_.find(fit->second);
  free_.erase(fit);
  const auto rest = split(block, size);
  if (rest != blocks_.end()) {
    rest->second.frees = block->second.frees;
    free_.emplace(rest->second.size, rest->first);
  }
  const auto chunk = block->second.chunk;
  if (chunk->second.occupied++ == 0) unoccupied_.erase(chunk->first);
  return block;
}

// Cuts the block to the size. The rest, if there is any, is in no list yet.
MemoryPool::Blocks::iterator MemoryPool::split(Blocks::iterator block, std::uint64_t size) {
  const std::uint64_t rest = block->second.size - size;
  if (rest == 0) return blocks_.end();
  block->second.size = size;
  return blocks_.emplace_hint(std::next(block), block->first + size,
                              Block{.size = rest, .chunk = block->second.chunk});
}

void MemoryPool::drop_pending(const Stream* stream, Blocks::iterator block) {
  const auto pending = pending_.find(stream);
  pending->second.erase({block->second.size, block->first});
  if (pending->second.empty()) pending_.erase(pending);
}

MemoryPool::Blocks::iterator MemoryPool::live(const void* pointer) {
  const auto block = blocks_.find(address_of(pointer));
  return block != blocks_.end() && block->second.state == State::kLive ? block : blocks_.end();
}

MemoryPool::Ticket MemoryPool::free_in(const void* pointer, const std::shared_ptr<Stream>& stream) {
  const std::lock_guard lock(mutex_);
  const auto block = live(pointer);
  if (block == blocks_.end()) return 0;
  const Ticket ticket = ++last_ticket_;
  block->second.state = State::kPending;
  block->second.ticket = ticket;
  pending_[stream.get()].emplace(block->second.size, block->first);
  frees_.emplace(ticket, Free{.stream = stream,
                              .requested = block->second.requested,
                              .size = block->second.size,
                              .blocks = {block->first}});
  return ticket;
}

void MemoryPool::numbered(Ticket ticket, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  const auto found = frees_.find(ticket);
  if (found != frees_.end()) found->second.sequence = sequence;
}

void MemoryPool::add_free(Frees& frees, const std::shared_ptr<Stream>& stream,
                          std::uint64_t sequence) {
  // From the back: a stream that frees block after block has the latest entry.
  const auto last = std::find_if(frees.rbegin(), frees.rend(),
                                 [&](const auto& entry) { return entry.first == stream; });
  if (last != frees.rend()) {
    last->second = std::max(last->second, sequence);
  } else {
    frees.emplace_back(stream, sequence);
  }
}

void MemoryPool::reached(Ticket ticket, const std::shared_ptr<Stream>& stream,
                         std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  const auto found = frees_.find(ticket);
  if (found == frees_.end()) return;
  const Free free = std::move(found->second);
  frees_.erase(found);
  if (free.counted) uncount(free.requested, free.size);
  for (const std::uintptr_t address : free.blocks) {
    const auto block = blocks_.find(address);
    drop_pending(free.stream.get(), block);
    add_free(block->second.chunk->second.last_frees, stream, sequence);
    add_free(block->second.frees, stream, sequence);
    make_free(block);
  }
  release_if_done();
}

bool MemoryPool::free_now(const void* pointer) {
  const std::lock_guard lock(mutex_);
  const auto block = live(pointer);
  if (block == blocks_.end()) return false;
  uncount(block->second.requested, block->second.size);
  make_free(block);
  release_if_done();
  return true;
}

void MemoryPool::make_free(Blocks::iterator block) {
  const auto chunk = block->second.chunk;
  const auto join_frees = [](Blocks::iterator into, Blocks::iterator from) {
    for (const auto& [stream, sequence] : from->second.frees) {
      add_free(into->second.frees, stream, sequence);
    }
    seen_complete(into->second.frees);
  };
  const auto joins = [&](Blocks::iterator other) {
    return other != blocks_.end() && other->second.chunk == chunk &&
           other->second.state == State::kFree;
  };
  if (const auto next = std::next(block); joins(next)) {
    free_.erase({next->second.size, next->first});
    block->second.size += next->second.size;
    join_frees(block, next);
    blocks_.erase(next);
  }
  if (block != blocks_.begin()) {
    if (const auto previous = std::prev(block); joins(previous)) {
      free_.erase({previous->second.size, previous->first});
      previous->second.size += block->second.size;
      join_frees(previous, block);
      blocks_.erase(block);
      block = previous;
    }
  }
  block->second.state = State::kFree;
  free_.emplace(block->second.size, block->first);
  if (--chunk->second.occupied == 0) unoccupied_.insert(chunk->first);
}

void MemoryPool::uncount(std::uint64_t requested, std::uint64_t size) {
  used_ -= size;
  ledger_freed(ledger_, requested);
}

bool MemoryPool::covers(const void* pointer, std::uint64_t bytes) const {
  const std::uintptr_t address = address_of(pointer);
  const std::lock_guard lock(mutex_);
  auto next = blocks_.upper_bound(address);
  if (next == blocks_.begin()) return false;
  const auto& [base, block] = *std::prev(next);
  const std::uint64_t offset = address - base;
  return block.state == State::kLive && offset < block.requested &&
         bytes <= block.requested - offset;
}

}  // namespace cuda_simulator

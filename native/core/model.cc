#include "core/model.h"

#include <exception>
#include <utility>

namespace cuda_shutdown {

namespace {

// An interrupted release waits this long for the frees that the stream has already taken, so that
// what it reports as remaining is what is really held.
constexpr std::chrono::milliseconds confirmation_time{5};

}  // namespace

Model::Model(Device& device, std::size_t blocks)
    : device_(device), presence_(device.presence()), pool_(device.pool()), freed_(blocks) {
  device.context().make_current();
  stream_ = std::make_unique<Stream>(device.context());
  last_free_ = std::make_unique<Event>(device.context());
  // A pointer must not be lost because the list of them cannot grow.
  blocks_.reserve(blocks);
  tensors_.reserve(blocks);
  unconfirmed_.reserve(blocks);
}

void* Model::add_block(std::uint64_t bytes) {
  void* pointer = nullptr;
  if (bytes == 0) {
    tensors_.push_back({pointer, bytes});
    return pointer;
  }
  try {
    pointer = pool_->allocate(bytes, stream());
  } catch (const CudaException& exception) {
    if (exception.failure().code == cudaErrorMemoryAllocation) {
      device_.requests().ran_out_of_memory();
    }
    throw;
  }
  blocks_.push_back({pointer, bytes, tensors_.size()});
  tensors_.push_back({pointer, bytes});
  bytes_ += bytes;
  device_.requests().allocated(bytes);
  return pointer;
}

Outcome Model::release(const Limits& limits, const Progress& progress) {
  if (released()) return Outcome::done;
  try {
    const bool all = free_blocks(limits, progress);
    count_confirmed();
    if (!all) return Outcome::interrupted;
  } catch (const CudaException& exception) {
    // During the end of the process the runtime has given everything back already.
    if (exception.failure().code != cudaErrorCudartUnloading) {
      count_confirmed();
      throw;
    }
    // The refused, which stand in front, and those that were not tried.
    for (std::size_t i = 0; i < refused_; ++i) accept(blocks_[i]);
    for (; next_ < blocks_.size(); ++next_) accept(blocks_[next_]);
    confirm();
    count_confirmed();
  } catch (...) {
    count_confirmed();
    throw;
  }
  last_free_.reset();
  stream_.reset();
  presence_.reset();
  released_.store(true);
  return Outcome::done;
}

bool Model::free_blocks(const Limits& limits, const Progress& progress) {
  device_.context().make_current();
  refusal_ = nullptr;
  submit_frees(limits, progress);
  last_free_->record(stream());
  const bool complete = last_free_->wait(limits) ||
                        (limits.over() && last_free_->wait(limits.for_cleanup(confirmation_time)));
  if (complete) confirm();
  if (refusal_) std::rethrow_exception(std::exchange(refusal_, nullptr));
  return complete && next_ == blocks_.size();
}

void Model::submit_frees(const Limits& limits, const Progress& progress) {
  const auto begin = blocks_.begin();
  blocks_.erase(begin + static_cast<std::ptrdiff_t>(refused_),
                begin + static_cast<std::ptrdiff_t>(next_));
  refused_ = next_ = 0;
  // The coarse clock is behind: it reaches no tick, and no deadline, too early.
  auto now = coarse_now();
  for (auto next_tick = Clock::now() + progress_interval;
       next_ < blocks_.size() && !limits.over(now);) {
    free_next();
    now = coarse_now();
    if (now < next_tick) continue;
    next_tick = Clock::now() + progress_interval;
    if (progress) progress(freed_bytes(), freed_blocks());
  }
}

void Model::free_next() {
  const Block block = blocks_[next_];
  try {
    pool_->free(block.pointer, stream());
  } catch (const CudaException& exception) {
    const CudaFailure& failure = exception.failure();
    if (failure.sticky() || failure.code == cudaErrorCudartUnloading) throw;
    if (!refusal_) refusal_ = std::current_exception();
    ++next_;
    blocks_[refused_++] = block;
    return;
  }
  ++next_;
  accept(block);
}

void Model::accept(const Block& block) noexcept {
  accepted_bytes_ += block.bytes;
  ++accepted_blocks_;
  unconfirmed_.push_back(block.tensor);
  freed_[block.tensor].store(true, std::memory_order_relaxed);
  // Counts for whoever looks on; nothing else is read by them.
  freed_bytes_.store(accepted_bytes_, std::memory_order_relaxed);
  freed_blocks_.store(accepted_blocks_, std::memory_order_relaxed);
}

void Model::confirm() {
  device_.requests().freed(accepted_blocks_ - confirmed_blocks_,
                           accepted_bytes_ - confirmed_bytes_);
  confirmed_bytes_ = accepted_bytes_;
  confirmed_blocks_ = accepted_blocks_;
  for (const std::size_t tensor : unconfirmed_) {
    freed_[tensor].store(true, std::memory_order_relaxed);
  }
  unconfirmed_.clear();
}

// What the stream has not reached is still held.
void Model::count_confirmed() noexcept {
  freed_bytes_.store(confirmed_bytes_);
  freed_blocks_.store(confirmed_blocks_);
  for (const std::size_t tensor : unconfirmed_) freed_[tensor].store(false);
}

std::vector<std::size_t> Model::held() const {
  std::vector<std::size_t> held;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (tensors_[i].bytes > 0 && !freed_[i].load()) held.push_back(i);
  }
  return held;
}

}  // namespace cuda_shutdown

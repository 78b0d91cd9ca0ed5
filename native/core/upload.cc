#include "core/upload.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace cuda_shutdown {

namespace {

using namespace std::chrono_literals;

// One thread is bound by one core's memory copies, or by one request at a time to the disk; more
// than four gain little, and take the cores of the service.
std::size_t reader_threads() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 2, 4);
}

}  // namespace

Upload::Upload(Model& model, std::shared_ptr<const File> file, const std::vector<Extent>& extents)
    : model_(model),
      ring_(model.device().ring()),
      // For each thread one that it reads into, and one that is copied meanwhile.
      max_chunks_(2 * reader_threads()),
      readers_(std::move(file), reader_threads()),
      next_(extents) {
  for (const Extent& extent : extents) left_ += extent.bytes;
  slots_.reserve(max_chunks_);
  free_.reserve(max_chunks_);
}

Upload::~Upload() {
  // After a failure nobody knows what is still copied: the chunks are freed, which waits for all.
  if (left_ > 0) return;
  for (Slot& slot : slots_) ring_.put_back(std::move(slot.chunk));
}

void Upload::read_ahead(const Limits& limits) {
  while (!next_.at_end() && !limits.over()) {
    std::size_t id = 0;
    if (!claim_slot(id)) return;
    Slot& slot = slots_[id];
    slot.start = next_;
    slot.lead = next_.file_offset() % File::alignment;
    slot.length = next_.contiguous(PinnedChunk::bytes - slot.lead);
    next_.advance(slot.length);
    readers_.submit(
        {id, slot.chunk->memory(), slot.lead + slot.length, slot.start.file_offset() - slot.lead});
  }
}

bool Upload::claim_slot(std::size_t& id) {
  if (!free_.empty()) {
    id = free_.back();
    free_.pop_back();
    return true;
  }
  if (slots_.size() == max_chunks_) return false;
  id = slots_.size();
  slots_.push_back({ring_.take(), next_});
  return true;
}

bool Upload::run(const Limits& limits, const LoadProgress& progress) {
  auto next_report = Clock::now() + Model::progress_interval;
  std::chrono::microseconds pause = 0us;
  while (left_ > 0) {
    if (limits.over()) return false;
    const bool freed = free_what_was_copied();
    read_ahead(limits);
    const bool copied = copy_what_was_read(pause, limits);
    // What is read wakes it; for what is copied it has to ask.
    pause = freed || copied ? 0us : std::clamp<std::chrono::microseconds>(pause * 2, 20us, 500us);
    if (progress && freed && Clock::now() >= next_report) {
      progress(arrived_);
      next_report = Clock::now() + Model::progress_interval;
    }
  }
  return true;
}

bool Upload::copy_what_was_read(std::chrono::microseconds patience, const Limits& limits) {
  const auto done = readers_.next(patience);
  if (!done) return false;
  if (done->error) std::rethrow_exception(done->error);
  copy(slots_[done->id], limits);
  copying_.push_back(done->id);
  return true;
}

void Upload::copy(Slot& slot, const Limits& limits) {
  const std::byte* source = slot.chunk->memory() + slot.lead;
  ExtentCursor cursor = slot.start;
  for (std::size_t rest = slot.length; rest > 0 && !limits.over();) {
    const auto [tensor, within, bytes] = cursor.piece(rest);
    auto* const block = static_cast<std::byte*>(model_.tensors()[tensor].pointer);
    model_.device().context().check(
        cudaMemcpyAsync(block + within, source, bytes, cudaMemcpyHostToDevice, model_.stream()),
        "cudaMemcpyAsync");
    cursor.advance(bytes);
    source += bytes;
    rest -= bytes;
  }
  slot.chunk->copied().record(model_.stream());
}

bool Upload::free_what_was_copied() {
  bool any = false;
  while (!copying_.empty() && slots_[copying_.front()].chunk->copied().complete()) {
    const std::size_t id = copying_.front();
    copying_.pop_front();
    arrived_ += slots_[id].length;
    left_ -= slots_[id].length;
    free_.push_back(id);
    any = true;
  }
  return any;
}

void Upload::stop_reading(const Limits& limits) {
  readers_.drop_waiting();
  const Limits cleanup = limits.for_cleanup(give_back_time);
  while (!cleanup.over()) {
    if (readers_.idle(1ms)) return;
  }
  while (!readers_.idle(1s)) {
  }
}

}  // namespace cuda_shutdown

// Pinned host memory of one device, through which files reach it, in chunks.
//
// Pinned memory is taken from the whole machine, so that it is not kept while nothing is loaded: it
// is given back by the load or read that ends while no load waits behind it.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "core/context.h"
#include "core/stream.h"

namespace cuda_shutdown {

// A chunk, and the event after which it may be used again. Made and destroyed on the device's
// threads. To destroy one waits for what is on the device, as cudaFreeHost does.
class PinnedChunk {
 public:
  // Measured from 1 to 16 MiB on host memory: long enough that its calls cost nothing, and a ring
  // of them fits a CPU's cache, so that what was read is still there when it is copied.
  static constexpr std::size_t bytes = 2UL << 20U;

  explicit PinnedChunk(Context& context);
  ~PinnedChunk();
  PinnedChunk(const PinnedChunk&) = delete;  // Owns the memory.
  PinnedChunk& operator=(const PinnedChunk&) = delete;

  // Aligned as File::read_bulk wants it: a page at least.
  [[nodiscard]] std::byte* memory() const noexcept { return static_cast<std::byte*>(memory_); }
  [[nodiscard]] Event& copied() noexcept { return copied_; }

 private:
  Context& context_;
  Event copied_;
  void* memory_ = nullptr;
};

// Object lifetime (a device's). Thread-safe, but for what belongs to the device's threads.
class PinnedRing {
 public:
  explicit PinnedRing(Context& context) : context_(context) {}
  PinnedRing(const PinnedRing&) = delete;  // Owns the chunks.
  PinnedRing& operator=(const PinnedRing&) = delete;

  // On the device's threads, as the next three. Throws CudaException.
  [[nodiscard]] std::unique_ptr<PinnedChunk> take();
  // Nothing may read or write it any more.
  void put_back(std::unique_ptr<PinnedChunk> chunk) noexcept;
  // Gives the chunks back that nobody has taken, unless a load waits that will take them.
  void give_back();
  // The same, whoever waits.
  void clear();

  void load_waits() noexcept { ++waiting_; }
  // True when chunks are kept for nobody: somebody must then give them back.
  [[nodiscard]] bool load_waits_no_more();

 private:
  Context& context_;
  std::atomic<std::size_t> waiting_{0};
  std::mutex mutex_;  // Guards what follows; never held during a CUDA call.
  std::vector<std::unique_ptr<PinnedChunk>> chunks_;
};

}  // namespace cuda_shutdown

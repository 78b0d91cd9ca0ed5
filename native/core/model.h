// A model on a device: one block a tensor, on a stream of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/device.h"
#include "core/stream.h"

namespace cuda_shutdown {

// Object lifetime: as long as a handle or a job refers to it. The counts may be read on any thread.
// Everything else belongs to the device's threads, one at a time: `release` must not be submitted
// again before the job of the last one has settled and, if it was stuck, returned.
//
// A model that is destroyed with blocks on the device leaks them: whoever drops the last handle
// submits a release first.
class Model {
 public:
  // Gets the model's freed bytes and blocks so far.
  using Progress = std::function<void(std::uint64_t, std::uint64_t)>;
  static constexpr std::chrono::milliseconds progress_interval{16};

  // On the device's thread. `blocks` is how many will be added at most.
  Model(Device& device, std::size_t blocks);
  Model(const Model&) = delete;  // Owns its blocks.
  Model& operator=(const Model&) = delete;

  // On the device's thread, before the first release. A tensor of no bytes gets no block.
  // Throws CudaException; what was added before stays.
  void* add_block(std::uint64_t bytes);
  // Where a tensor lies, in the order in which they were added. A tensor of no bytes lies nowhere.
  struct Tensor {
    void* pointer;
    std::uint64_t bytes;
  };
  // Any thread, once all are added. The pointers are the device's until the first release.
  [[nodiscard]] const std::vector<Tensor>& tensors() const noexcept { return tensors_; }
  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_->get(); }

  [[nodiscard]] Device& device() noexcept { return device_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  // While a release runs, or is stuck: what the runtime has accepted to free. Once it has ended:
  // what the host has seen to be freed, as a stream that stands still frees nothing.
  [[nodiscard]] std::uint64_t freed_bytes() const noexcept { return freed_bytes_.load(); }
  [[nodiscard]] std::uint64_t freed_blocks() const noexcept { return freed_blocks_.load(); }
  [[nodiscard]] bool released() const noexcept { return released_.load(); }
  // Which tensors' memory is held, as indices of `tensors`: what the counts above do not count. Any
  // thread, once all are added; while a release runs, as it is in passing.
  [[nodiscard]] std::vector<std::size_t> held() const;

  // Frees block by block until none is left (`done`) or the limits are over (`interrupted`). A
  // block that the runtime refuses to free stays, the others go on, and the first refusal is thrown
  // at the end; a later release tries what stayed.
  Outcome release(const Limits& limits, const Progress& progress);

 private:
  struct Block {
    void* pointer;
    std::uint64_t bytes;
    std::size_t tensor;
  };

  // Whether no block is left.
  [[nodiscard]] bool free_blocks(const Limits& limits, const Progress& progress);
  void submit_frees(const Limits& limits, const Progress& progress);
  void free_next();
  void accept(const Block& block) noexcept;
  void confirm();
  void count_confirmed() noexcept;

  Device& device_;
  Device::Presence presence_;  // Until released.
  const std::shared_ptr<MemoryPool> pool_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Event> last_free_;
  std::uint64_t bytes_ = 0;
  std::vector<Tensor> tensors_;

  // blocks_[0, next_) have been tried; those refused were moved to the front, for the next release.
  std::vector<Block> blocks_;
  std::size_t refused_ = 0;
  std::size_t next_ = 0;
  std::exception_ptr refusal_;
  // Accepted by the runtime, and of that, seen to be done.
  std::uint64_t accepted_bytes_ = 0;
  std::uint64_t accepted_blocks_ = 0;
  std::uint64_t confirmed_bytes_ = 0;
  std::uint64_t confirmed_blocks_ = 0;
  std::vector<std::size_t> unconfirmed_;  // The tensors that are accepted and not confirmed.
  std::vector<std::atomic<bool>> freed_;  // By tensor; as the two counts.
  std::atomic<std::uint64_t> freed_bytes_{0};
  std::atomic<std::uint64_t> freed_blocks_{0};
  std::atomic<bool> released_{false};
};

}  // namespace cuda_shutdown

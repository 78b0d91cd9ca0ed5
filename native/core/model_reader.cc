#include "core/model_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

#include "core/pinned_ring.h"

namespace cuda_shutdown {

namespace {

// A chunk of the ring, and the part of the tensor that is on its way through it.
class Leg {
 public:
  Leg(Model& model, const Limits& limits)
      : model_(model), limits_(limits), chunk_(model.device().ring().take()) {}
  // A copy may write to the chunk until its event is complete, or the context is lost.
  ~Leg() {
    try {
      Event& copied = chunk_->copied();
      if (bytes_ > 0 && !model_.device().context().lost() &&
          !copied.wait(limits_.for_cleanup(give_back_time))) {
        static_cast<void>(copied.wait(Limits()));
      }
    } catch (const CudaException&) {
    }
    // After a failure nobody knows what is still copied: to free it waits for all.
    if (bytes_ == 0) model_.device().ring().put_back(std::move(chunk_));
  }
  Leg(const Leg&) = delete;  // Owns the chunk.
  Leg& operator=(const Leg&) = delete;

  void begin(const std::byte* from, std::byte* into, std::size_t bytes) {
    into_ = into;
    bytes_ = bytes;  // Until it has ended.
    model_.device().context().check(
        cudaMemcpyAsync(chunk_->memory(), from, bytes, cudaMemcpyDeviceToHost, model_.stream()),
        "cudaMemcpyAsync");
    chunk_->copied().record(model_.stream());
  }
  // False when the limits were over first. Does nothing where nothing has begun.
  [[nodiscard]] bool end() {
    if (!chunk_->copied().wait(limits_)) return false;
    if (bytes_ > 0) std::memcpy(into_, chunk_->memory(), std::exchange(bytes_, 0));
    return true;
  }

 private:
  Model& model_;
  const Limits& limits_;
  std::unique_ptr<PinnedChunk> chunk_;
  std::byte* into_ = nullptr;
  std::size_t bytes_ = 0;
};

bool copy(Model& model, const Model::Tensor& tensor, std::byte* into, const Limits& limits) {
  std::array<Leg, 2> legs{Leg(model, limits), Leg(model, limits)};
  const auto* const from = static_cast<const std::byte*>(tensor.pointer);
  std::size_t turn = 0;
  for (std::uint64_t done = 0; done < tensor.bytes; ++turn) {
    Leg& leg = legs[turn % legs.size()];
    if (limits.over() || !leg.end()) return false;
    const auto bytes = std::min<std::uint64_t>(tensor.bytes - done, PinnedChunk::bytes);
    leg.begin(from + done, into + done, bytes);
    done += bytes;
  }
  return std::all_of(legs.begin(), legs.end(), [](Leg& leg) { return leg.end(); });
}

}  // namespace

bool read_tensor(Model& model, std::size_t tensor, std::byte* into, const Limits& limits) {
  const Model::Tensor& source = model.tensors().at(tensor);
  if (source.bytes == 0) return true;
  if (model.released()) throw std::logic_error("Expected a model that is held, it is released");
  Device& device = model.device();
  device.context().make_current();
  try {
    const bool whole = copy(model, source, into, limits);
    device.ring().give_back();
    return whole;
  } catch (...) {
    device.ring().give_back();
    throw;
  }
}

}  // namespace cuda_shutdown

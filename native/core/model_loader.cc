#include "core/model_loader.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <utility>

#include "core/model_release.h"
#include "core/stream.h"

namespace cuda_shutdown {

namespace {

constexpr std::size_t chunk_bytes = 4UL << 20U;
// How long giving back may take after a failure before its thread counts as stuck.
constexpr std::chrono::milliseconds give_back_time{2000};

// A pinned chunk, and the event after which it may be filled again.
class Chunk {
 public:
  explicit Chunk(Context& context) : context_(context), copied_(context) {
    context.check(cudaHostAlloc(&memory_, chunk_bytes, cudaHostAllocDefault), "cudaHostAlloc");
  }
  ~Chunk() {
    if (context_.lost()) return;
    if (cudaFreeHost(memory_) != cudaSuccess) cudaGetLastError();
  }
  Chunk(const Chunk&) = delete;  // Owns the memory.
  Chunk& operator=(const Chunk&) = delete;

  [[nodiscard]] std::byte* memory() const { return static_cast<std::byte*>(memory_); }
  [[nodiscard]] Event& copied() { return copied_; }

  // After a failure, which must not be hidden by a second one: it must outlive what reads it.
  void let_copies_end(const Limits& limits) noexcept {
    if (context_.lost()) return;
    try {
      static_cast<void>(copied_.wait(limits.for_cleanup(give_back_time)));
    } catch (const CudaException&) {
    }
  }

 private:
  Context& context_;
  Event copied_;
  void* memory_ = nullptr;
};

// Walks through the tensors' data in file order.
class Cursor {
 public:
  Cursor(const std::vector<Extent>& tensors, const std::vector<void*>& targets)
      : tensors_(tensors), targets_(targets) {
    skip_empty();
  }

  [[nodiscard]] bool at_end() const { return tensor_ == tensors_.size(); }
  [[nodiscard]] std::uint64_t file_offset() const { return tensors_[tensor_].offset + within_; }

  // How many bytes lie one behind the other in the file from here, `limit` at most.
  [[nodiscard]] std::size_t contiguous(std::size_t limit) const {
    const std::uint64_t start = file_offset();
    std::uint64_t end = start;
    for (std::size_t i = tensor_; i < tensors_.size() && end - start < limit; ++i) {
      if (i > tensor_ && tensors_[i].offset != end) break;
      end = tensors_[i].offset + tensors_[i].bytes;
    }
    return static_cast<std::size_t>(std::min<std::uint64_t>(end - start, limit));
  }

  // The rest of the current tensor, `limit` at most: where it goes, and how long it is.
  [[nodiscard]] std::pair<std::byte*, std::size_t> piece(std::size_t limit) const {
    const std::uint64_t rest = tensors_[tensor_].bytes - within_;
    return {static_cast<std::byte*>(targets_[tensor_]) + within_,
            static_cast<std::size_t>(std::min<std::uint64_t>(rest, limit))};
  }

  void advance(std::size_t bytes) {
    within_ += bytes;
    if (within_ < tensors_[tensor_].bytes) return;
    ++tensor_;
    within_ = 0;
    skip_empty();
  }

 private:
  void skip_empty() {
    while (!at_end() && tensors_[tensor_].bytes == 0) ++tensor_;
  }

  const std::vector<Extent>& tensors_;
  const std::vector<void*>& targets_;
  std::size_t tensor_ = 0;
  std::uint64_t within_ = 0;
};

// Fills one chunk and has it copied. Answers the bytes.
std::size_t copy_chunk(Model& model, const File& file, Chunk& chunk, Cursor& cursor) {
  const std::size_t length = cursor.contiguous(chunk_bytes);
  file.read(chunk.memory(), length, cursor.file_offset());
  for (std::size_t done = 0; done < length;) {
    const auto [target, bytes] = cursor.piece(length - done);
    model.device().context().check(cudaMemcpyAsync(target, chunk.memory() + done, bytes,
                                                   cudaMemcpyHostToDevice, model.stream()),
                                   "cudaMemcpyAsync");
    cursor.advance(bytes);
    done += bytes;
  }
  chunk.copied().record(model.stream());
  return length;
}

// False when the limits were over first.
bool fill(Model& model, const LoadRequest& request, const std::vector<void*>& targets,
          const Limits& limits, const LoadProgress& progress) {
  Context& context = model.device().context();
  std::array<Chunk, 2> ring{Chunk(context), Chunk(context)};
  Cursor cursor(request.tensors, targets);
  std::uint64_t loaded = 0;
  auto next_report = Clock::now() + Model::progress_interval;
  bool in_time = true;
  try {
    for (std::size_t turn = 0; in_time && !cursor.at_end(); ++turn) {
      Chunk& chunk = ring[turn % ring.size()];
      in_time = chunk.copied().wait(limits) && !limits.over();
      if (!in_time) break;
      loaded += copy_chunk(model, *request.file, chunk, cursor);
      if (progress && Clock::now() >= next_report) {
        progress(loaded);
        next_report = Clock::now() + Model::progress_interval;
      }
    }
  } catch (...) {
    for (Chunk& chunk : ring) chunk.let_copies_end(limits);
    throw;
  }
  for (Chunk& chunk : ring) {
    in_time = chunk.copied().wait(in_time ? limits : limits.for_cleanup(give_back_time)) && in_time;
  }
  return in_time;
}

// After a failure, which must not be hidden by a second one: what cannot be given back now is tried
// again in the background, and shows in the device's counts until then.
void give_back(const std::shared_ptr<Model>& model, const Limits& limits) noexcept {
  try {
    if (!model->device().context().lost()) {
      model->release(limits.for_cleanup(give_back_time), nullptr);
    }
  } catch (const std::exception&) {
  }
  try {
    abandon(model);
  } catch (const std::exception&) {
  }
}

}  // namespace

std::shared_ptr<Model> load_model(Device& device, const LoadRequest& request, const Limits& limits,
                                  const LoadProgress& progress) {
  auto model = std::make_shared<Model>(device, request.tensors.size());
  try {
    std::vector<void*> targets;
    targets.reserve(request.tensors.size());
    for (const Extent& tensor : request.tensors) {
      if (limits.over()) break;
      targets.push_back(model->add_block(tensor.bytes));
    }
    if (targets.size() == request.tensors.size() &&
        fill(*model, request, targets, limits, progress)) {
      return model;
    }
  } catch (...) {
    give_back(model, limits);
    throw;
  }
  give_back(model, limits);
  return nullptr;
}

}  // namespace cuda_shutdown

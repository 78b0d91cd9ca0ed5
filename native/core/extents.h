// Where the data of tensors lies in a file, and the way through it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cuda_shutdown {

// Where a tensor's data lies in the file.
struct Extent {
  std::uint64_t offset;
  std::uint64_t bytes;
};

// A place in the data of all tensors, in file order. Object lifetime: refers to the extents.
class ExtentCursor {
 public:
  explicit ExtentCursor(const std::vector<Extent>& extents) : extents_(&extents) { skip_empty(); }

  [[nodiscard]] bool at_end() const { return tensor_ == extents_->size(); }
  [[nodiscard]] std::uint64_t file_offset() const { return current().offset + within_; }

  // How many bytes lie one behind the other in the file from here, `limit` at most.
  [[nodiscard]] std::size_t contiguous(std::size_t limit) const {
    const std::uint64_t start = file_offset();
    std::uint64_t end = start;
    for (std::size_t i = tensor_; i < extents_->size() && end - start < limit; ++i) {
      const Extent& extent = (*extents_)[i];
      if (i > tensor_ && extent.offset != end) break;
      end = extent.offset + extent.bytes;
    }
    return static_cast<std::size_t>(std::min<std::uint64_t>(end - start, limit));
  }

  // The rest of the current tensor, `limit` bytes at most.
  struct Piece {
    std::size_t tensor;
    std::uint64_t within;
    std::size_t bytes;
  };
  [[nodiscard]] Piece piece(std::size_t limit) const {
    const std::uint64_t rest = current().bytes - within_;
    return {tensor_, within_, static_cast<std::size_t>(std::min<std::uint64_t>(rest, limit))};
  }

  void advance(std::size_t bytes) {
    while (bytes > 0) {
      const std::size_t step = piece(bytes).bytes;
      within_ += step;
      bytes -= step;
      if (within_ < current().bytes) continue;
      ++tensor_;
      within_ = 0;
      skip_empty();
    }
  }

 private:
  [[nodiscard]] const Extent& current() const { return (*extents_)[tensor_]; }
  void skip_empty() {
    while (!at_end() && current().bytes == 0) ++tensor_;
  }

  const std::vector<Extent>* extents_;
  std::size_t tensor_ = 0;
  std::uint64_t within_ = 0;
};

}  // namespace cuda_shutdown

// The data of a file on its way to the device: threads read it into pinned chunks, and each chunk
// is copied on the model's stream while the next ones are read.
//
//   free ──► being read ──► being copied ──► free
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "core/extents.h"
#include "core/file_readers.h"
#include "core/model.h"
#include "core/pinned_ring.h"

namespace cuda_shutdown {

// Gets the bytes that are on the device.
using LoadProgress = std::function<void(std::uint64_t)>;

// Object lifetime, on the device's thread. Where `run` has not answered true, nothing may read into
// the chunks (`stop_reading`) nor copy from them any more when it is destroyed.
class Upload {
 public:
  // Refers to all of its arguments but the file.
  Upload(Model& model, std::shared_ptr<const File> file, const std::vector<Extent>& extents);
  ~Upload();
  Upload(const Upload&) = delete;  // Owns the chunks.
  Upload& operator=(const Upload&) = delete;

  // Has as much read as there are chunks: the blocks need not be there yet.
  // Throws CudaException, std::system_error.
  void read_ahead(const Limits& limits);
  // Once the model has all of its blocks. True when every byte is on the device, false when the
  // limits were over first. Throws CudaException, std::system_error, TruncatedFile.
  [[nodiscard]] bool run(const Limits& limits, const LoadProgress& progress);
  // Waits until no thread reads into a chunk any more.
  void stop_reading(const Limits& limits);

 private:
  struct Slot {
    std::unique_ptr<PinnedChunk> chunk;
    ExtentCursor start;
    std::size_t lead = 0;    // Bytes in front of the data, for the alignment.
    std::size_t length = 0;  // Of the data.
  };

  [[nodiscard]] bool claim_slot(std::size_t& id);
  // The next two answer whether there was something to do.
  [[nodiscard]] bool copy_what_was_read(std::chrono::microseconds patience, const Limits& limits);
  [[nodiscard]] bool free_what_was_copied();
  void copy(Slot& slot, const Limits& limits);

  Model& model_;
  PinnedRing& ring_;
  const std::size_t max_chunks_;
  FileReaders readers_;
  ExtentCursor next_;
  std::uint64_t left_ = 0;     // Bytes that are not on the device yet.
  std::uint64_t arrived_ = 0;  // Bytes that are.
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
  std::deque<std::size_t> copying_;  // In the order of the stream.
};

}  // namespace cuda_shutdown

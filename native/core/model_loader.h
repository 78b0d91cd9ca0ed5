// From a file to a model on a device.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/file.h"
#include "core/model.h"

namespace cuda_shutdown {

// Where a tensor's data lies in the file.
struct Extent {
  std::uint64_t offset;
  std::uint64_t bytes;
};

struct LoadRequest {
  std::shared_ptr<File> file;
  std::vector<Extent> tensors;  // In ascending order, without overlap.
};

// Gets the bytes that are on the device.
using LoadProgress = std::function<void(std::uint64_t)>;

// On the device's thread. Allocates a block a tensor, then reads the file chunk by chunk into
// pinned memory and copies each on the model's stream while the next is read. Null when the limits
// were over first. On any failure everything taken is given back before it is thrown:
// CudaException, std::system_error, TruncatedFile.
[[nodiscard]] std::shared_ptr<Model> load_model(Device& device, const LoadRequest& request,
                                                const Limits& limits, const LoadProgress& progress);

}  // namespace cuda_shutdown

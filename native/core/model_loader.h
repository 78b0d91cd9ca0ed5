// From a file to a model on a device.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/extents.h"
#include "core/file.h"
#include "core/model.h"
#include "core/upload.h"

namespace cuda_shutdown {

struct LoadRequest {
  std::shared_ptr<const File> file;
  std::vector<Extent> tensors;  // In ascending order, without overlap.
};

// On the device's thread. Allocates a block a tensor while the beginning of the file is read, and
// has the rest read and copied chunk by chunk. Null when the limits were over first. On any failure
// everything taken is given back before it is thrown: CudaException, std::system_error,
// TruncatedFile.
//
// What cannot be given back yet, because a read or the stream does not come to its end, holds the
// thread: after `give_back_time` it asks its limits no more, so that a job that was told to stop
// settles as stuck, and gives back what it has when it comes out of there.
[[nodiscard]] std::shared_ptr<Model> load_model(Device& device, const LoadRequest& request,
                                                const Limits& limits, const LoadProgress& progress);

// A loaded model on its way to whoever asked for it. Where it is not taken, because the caller has
// given up or has ended, it is released again.
class Delivery {
 public:
  explicit Delivery(std::shared_ptr<Model> model) : model_(std::move(model)) {}
  ~Delivery();
  Delivery(const Delivery&) = delete;  // Owns the model until it is taken.
  Delivery& operator=(const Delivery&) = delete;

  // For one that has been made empty.
  void put(std::shared_ptr<Model> model) noexcept { model_ = std::move(model); }
  explicit operator bool() const noexcept { return model_ != nullptr; }
  [[nodiscard]] std::shared_ptr<Model> take() noexcept { return std::move(model_); }

 private:
  std::shared_ptr<Model> model_;
};

// With a delivery exactly where the outcome is `done`.
using LoadSettled = std::function<void(const Settlement&, std::shared_ptr<Delivery>)>;

// load_model as a job.
JobHandle submit_load(Device& device, LoadRequest request, LoadProgress progress,
                      LoadSettled settled, Job::Returned returned, Deadline deadline = no_deadline);

}  // namespace cuda_shutdown

// From a model on a device back to the host.
#pragma once

#include <cstddef>

#include "core/model.h"

namespace cuda_shutdown {

// On the device's thread, and not while the model is released. Copies the data of the tensor with
// this index to `into`, through pinned chunks, so that the copies run on the model's stream. False
// when the limits were over first. Throws CudaException, and std::logic_error for a model that is
// released. Nothing is copied any more when it returns; where the stream stands still, that holds
// the thread as in load_model.
[[nodiscard]] bool read_tensor(Model& model, std::size_t tensor, std::byte* into,
                               const Limits& limits);

}  // namespace cuda_shutdown

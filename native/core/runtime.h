// The CUDA runtime of this process: whether it answers, and the devices it has.
// Process lifetime: made at first use, and leaked, because device threads outlive every owner.
// Thread-safe.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <memory>
#include <vector>

#include "core/device.h"

namespace cuda_shutdown {

struct Probe {
  int device_count = 0;
  cudaError_t code = cudaSuccess;  // What the runtime answered when asked for its devices.
  int runtime_version = 0;
  int driver_version = 0;  // 0 where there is no driver.
};

class Runtime {
 public:
  static Runtime& instance();
  // For tests, on a runtime that can become another one: runs `change`, and asks that one for its
  // devices anew. No other thread may use a device meanwhile.
  // Throws std::logic_error while there are models, and what `change` throws; then all stays.
  static void begin_anew(const std::function<void()>& change);
  Runtime(const Runtime&) = delete;  // There is one.
  Runtime& operator=(const Runtime&) = delete;

  // The verdict lasts: the runtime opens the driver once.
  [[nodiscard]] const Probe& probe() const noexcept { return probe_; }
  // `index` in [0, probe().device_count).
  [[nodiscard]] Device& device(int index) { return *devices_.at(static_cast<std::size_t>(index)); }

 private:
  Runtime();
  Probe probe_;
  std::vector<std::unique_ptr<Device>> devices_;
  Runtime* previous_ = nullptr;  // Kept reachable.
};

}  // namespace cuda_shutdown

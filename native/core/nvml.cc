#include "core/nvml.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace cuda_shutdown {

namespace {

// From nvml.h, which a machine without the toolkit does not have. Return codes: 0 is success, 7 is
// NVML_ERROR_INSUFFICIENT_SIZE.
using Handle = void*;
struct ProcessInfo {  // nvmlProcessInfo_v2_t
  unsigned int pid;
  unsigned long long used_gpu_memory;  // All bits set where the driver cannot tell.
  unsigned int gpu_instance;
  unsigned int compute_instance;
};
constexpr int success = 0;
constexpr int insufficient_size = 7;
constexpr unsigned long long not_available = ~0ULL;

// The functions, looked up once. Process lifetime: never closed, as the driver may be in use.
struct Nvml {
  int (*init)() = nullptr;
  int (*handle_by_bus_id)(const char*, Handle*) = nullptr;
  int (*compute_processes)(Handle, unsigned int*, ProcessInfo*) = nullptr;

  static const Nvml& instance() {
    static const Nvml nvml;
    return nvml;
  }
  [[nodiscard]] bool ready() const { return initialised_; }

 private:
  Nvml() {
    void* const library = dlopen("libnvidia-ml.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (library == nullptr) return;
    const auto find = [library](auto& function, const char* name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      return function != nullptr;
    };
    initialised_ =
        find(init, "nvmlInit_v2") && find(handle_by_bus_id, "nvmlDeviceGetHandleByPciBusId_v2") &&
        find(compute_processes, "nvmlDeviceGetComputeRunningProcesses_v3") && init() == success;
  }
  bool initialised_ = false;
};

}  // namespace

std::optional<std::uint64_t> nvml_process_bytes(const std::string& pci_bus_id) {
  const Nvml& nvml = Nvml::instance();
  Handle device = nullptr;
  if (!nvml.ready() || nvml.handle_by_bus_id(pci_bus_id.c_str(), &device) != success) {
    return std::nullopt;
  }
  std::vector<ProcessInfo> processes(16);
  auto count = static_cast<unsigned int>(processes.size());
  int answer = nvml.compute_processes(device, &count, processes.data());
  if (answer == insufficient_size) {
    // Room for those that begin between the two calls.
    processes.resize(count + 16UL);
    count = static_cast<unsigned int>(processes.size());
    answer = nvml.compute_processes(device, &count, processes.data());
  }
  if (answer != success) return std::nullopt;
  processes.resize(std::min<std::size_t>(count, processes.size()));
  const auto own = std::find_if(processes.begin(), processes.end(), [](const ProcessInfo& info) {
    return info.pid == static_cast<unsigned int>(getpid());
  });
  if (own == processes.end() || own->used_gpu_memory == not_available) return std::nullopt;
  return own->used_gpu_memory;
}

}  // namespace cuda_shutdown

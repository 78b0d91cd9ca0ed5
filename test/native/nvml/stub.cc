// A libnvidia-ml.so.1 whose processes a test describes in the environment: NVML_STUB is the answer
// of nvmlInit, NVML_STUB_OTHERS how many other processes are listed first, NVML_STUB_BYTES what
// this one holds; without it, this one is not listed.
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace {

// nvmlProcessInfo_v2_t, and answers, as nvml.h has them.
struct ProcessInfo {
  unsigned int pid;
  unsigned long long used_gpu_memory;
  unsigned int gpu_instance;
  unsigned int compute_instance;
};
constexpr int success = 0;
constexpr int not_found = 6;
constexpr int insufficient_size = 7;
char the_device = 0;

int number(const char* name) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : 0;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int nvmlInit_v2() { return number("NVML_STUB"); }

int nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, void** device) {
  *device = &the_device;
  return std::string(bus_id) == "0000:01:00.0" ? success : not_found;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned int* count, ProcessInfo* into) {
  if (device != &the_device) return not_found;
  std::vector<ProcessInfo> all;
  for (int i = 0; i < number("NVML_STUB_OTHERS"); ++i) all.push_back({1, 1, 0, 0});
  if (const char* const bytes = std::getenv("NVML_STUB_BYTES")) {
    all.push_back({static_cast<unsigned int>(getpid()), std::strtoull(bytes, nullptr, 0), 0, 0});
  }
  const unsigned int room = *count;
  *count = static_cast<unsigned int>(all.size());
  if (room < all.size()) return insufficient_size;
  for (std::size_t i = 0; i < all.size(); ++i) into[i] = all[i];
  return success;
}

}  // extern "C"
#pragma GCC visibility pop

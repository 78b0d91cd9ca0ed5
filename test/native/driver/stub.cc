// A libcuda.so.1 for NVIDIA's runtime, as far as a machine without a device needs one:
// DRIVER_STUB_INIT is what cuInit answers, or `hang`; DRIVER_STUB_VERSION is the driver's version,
// 13000 for CUDA 13.0.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr int success = 0;
constexpr int not_found = 500;
constexpr int unknown = 999;

std::string setting(const char* name, const char* otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? text : otherwise;
}

// Everything that can only be asked after cuInit has succeeded.
int unreachable() { return unknown; }

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int cuInit(unsigned int) {
  const std::string answer = setting("DRIVER_STUB_INIT", "999");
  if (answer != "hang") return std::stoi(answer);
  std::fputs("cuInit hangs\n", stderr);
  for (;;) pause();
}

int cuDriverGetVersion(int* version) {
  *version = std::stoi(setting("DRIVER_STUB_VERSION", "13000"));
  return success;
}

int cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return not_found;
}

int cuGetProcAddress_v2(const char* symbol, void** function, int, std::uint64_t, int* status) {
  const std::string name = symbol;
  const auto address = name == "cuInit"               ? reinterpret_cast<void*>(cuInit)
                       : name == "cuDriverGetVersion" ? reinterpret_cast<void*>(cuDriverGetVersion)
                       : name == "cuGetExportTable"   ? reinterpret_cast<void*>(cuGetExportTable)
                       : name == "cuGetProcAddress"   ? reinterpret_cast<void*>(cuGetProcAddress_v2)
                                                      : reinterpret_cast<void*>(unreachable);
  *function = address;
  if (status != nullptr) *status = 0;
  return success;
}

}  // extern "C"
#pragma GCC visibility pop

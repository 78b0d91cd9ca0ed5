// What a simulated world is made of, and how the environment says it. No state.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cuda_simulator {

// The message has the shape "Expected SETTING to be …, got `x`".
class BadSetting : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

struct Settings {
  static constexpr int kMaxDevices = 64;

  int devices = 1;
  std::uint64_t memory = 16ULL << 30;  // bytes per device
  std::string faults = {};             // the grammar is in faults.h
  std::string ledger = {};             // path of a file; empty: none
  bool memory_pools = true;            // false: a device without cudaMallocAsync (no variable)
};

// Reads CUDA_SHUTDOWN_SIM_DEVICES, _MEMORY, _FAULTS and _LEDGER. Throws BadSetting.
Settings settings_from_environment();

// `1048576`, `512MiB`, `16GiB`; also KiB and TiB. Throws BadSetting.
std::uint64_t parse_memory(std::string_view text);

}  // namespace cuda_simulator

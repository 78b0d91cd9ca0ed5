#include "settings.h"

#include <charconv>
#include <cstdlib>
#include <limits>
#include <utility>

namespace cuda_simulator {
namespace {

std::string quoted(std::string_view value) { return "`" + std::string(value) + "`"; }

int parse_devices(std::string_view text) {
  int devices = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), devices);
  if (error != std::errc() || end != text.data() + text.size() || devices < 0 ||
      devices > Settings::kMaxDevices) {
    throw BadSetting("Expected CUDA_SHUTDOWN_SIM_DEVICES to be an integer from 0 to 64, got " +
                     quoted(text));
  }
  return devices;
}

}  // namespace

std::uint64_t parse_memory(std::string_view text) {
  static constexpr std::pair<std::string_view, int> kUnits[] = {
      {"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && count > 0) {
    const std::string_view unit(end, text.size() - static_cast<std::size_t>(end - text.data()));
    for (const auto& [name, shift] : kUnits) {
      if (unit == name && count <= std::numeric_limits<std::uint64_t>::max() >> shift) {
        return count << shift;
      }
    }
  }
  throw BadSetting(
      "Expected CUDA_SHUTDOWN_SIM_MEMORY to be a positive number of bytes, or of KiB, MiB, GiB or "
      "TiB such as `16GiB`, got " +
      quoted(text));
}

Settings settings_from_environment() {
  Settings settings;
  if (const char* text = std::getenv("CUDA_SHUTDOWN_SIM_DEVICES")) {
    settings.devices = parse_devices(text);
  }
  if (const char* text = std::getenv("CUDA_SHUTDOWN_SIM_MEMORY")) {
    settings.memory = parse_memory(text);
  }
  if (const char* text = std::getenv("CUDA_SHUTDOWN_SIM_FAULTS")) settings.faults = text;
  if (const char* text = std::getenv("CUDA_SHUTDOWN_SIM_LEDGER")) settings.ledger = text;
  return settings;
}

}  // namespace cuda_simulator

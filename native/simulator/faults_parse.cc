#include <charconv>
#include <string>

#include "error_names.h"
#include "faults.h"
#include "settings.h"

namespace cuda_simulator {
namespace {

[[noreturn]] void reject(std::string_view expected, std::string_view item) {
  throw BadSetting("Expected CUDA_SHUTDOWN_SIM_FAULTS to be " + std::string(expected) + ", got `" +
                   std::string(item) + "`");
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int error_code(std::string_view text, std::string_view item) {
  const auto code = number<int>(text);
  if (!code || *code == 0 || error_text(*code) == nullptr) {
    reject("faults with the number of a CUDA error, such as `error:2` or `sticky:719`", item);
  }
  return *code;
}

std::chrono::milliseconds milliseconds(std::string_view text, std::string_view item) {
  const auto count = number<std::uint32_t>(text);
  if (!count) reject("faults with a whole number of milliseconds, such as `slow:50`", item);
  return std::chrono::milliseconds(*count);
}

void parse_effect(std::string_view effect, std::string_view item, Fault& fault) {
  const auto colon = effect.find(':');
  const std::string_view name = effect.substr(0, colon);
  const bool has_value = colon != std::string_view::npos;
  const std::string_view value = has_value ? effect.substr(colon + 1) : std::string_view();
  if (name == "error" || name == "sticky") {
    fault.effect = name == "error" ? Effect::kError : Effect::kSticky;
    fault.code = error_code(value, item);
  } else if (name == "slow") {
    fault.effect = Effect::kSlow;
    fault.duration = milliseconds(value, item);
  } else if (name == "hang") {
    fault.effect = Effect::kHang;
    if (has_value) fault.duration = milliseconds(value, item);
  } else if (name == "abort" && !has_value) {
    fault.effect = Effect::kAbort;
  } else {
    reject("faults whose effect is error:CODE, sticky:CODE, slow:MS, hang, hang:MS or abort", item);
  }
}

Fault parse_fault(std::string_view item, int devices) {
  const auto equals = item.find('=');
  if (equals == std::string_view::npos) {
    reject("comma-separated faults `function[#n][@device]=effect`", item);
  }
  Fault fault;
  std::string_view target = item.substr(0, equals);
  if (const auto at = target.find('@'); at != std::string_view::npos) {
    const auto device = number<int>(target.substr(at + 1));
    if (!device || *device < 0 || *device >= devices) {
      reject("faults `@` one of the " + std::to_string(devices) + " simulated devices", item);
    }
    fault.device = *device;
    target = target.substr(0, at);
  }
  if (const auto hash = target.find('#'); hash != std::string_view::npos) {
    const auto nth = number<std::uint64_t>(target.substr(hash + 1));
    if (!nth || *nth == 0) reject("faults whose `#n` is a call's number from 1 on", item);
    fault.nth = *nth;
    target = target.substr(0, hash);
  }
  const auto function = function_named(target);
  if (!function) reject("faults of runtime functions that the simulator has", item);
  fault.function = *function;
  parse_effect(item.substr(equals + 1), item, fault);
  return fault;
}

}  // namespace

std::vector<Fault> parse_faults(std::string_view text, int devices) {
  std::vector<Fault> faults;
  while (!text.empty()) {
    const auto comma = text.find(',');
    faults.push_back(parse_fault(text.substr(0, comma), devices));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) reject("comma-separated faults `function[#n][@device]=effect`", text);
  }
  return faults;
}

}  // namespace cuda_simulator

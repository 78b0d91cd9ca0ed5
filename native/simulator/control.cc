#include "control.h"

#include <string>

#include "inside.h"
#include "world.h"

namespace cuda_simulator {
namespace {

Function function_or_throw(std::string_view name) {
  const auto function = function_named(name);
  if (!function) {
    throw std::invalid_argument("Expected a runtime function that the simulator has, got `" +
                                std::string(name) + "`");
  }
  return *function;
}

}  // namespace

void reset(const Settings& settings) { World::begin(settings); }
void reset_from_environment() { World::begin_from_environment(); }

void inject(std::string_view faults) {
  World& world = World::current();
  for (const Fault& fault : parse_faults(faults, world.settings.devices)) world.faults.add(fault);
}

void release_hangs() { World::current().faults.release_hangs(); }

std::uint64_t calls(std::string_view function) {
  return World::current().calls.of(function_or_throw(function));
}

bool wait_for_call(std::string_view function, std::uint64_t n, std::chrono::milliseconds timeout) {
  return World::current().calls.wait_for(function_or_throw(function), n, timeout);
}

bool in_runtime() noexcept { return runtime_depth() > 0; }

DeviceLedger ledger(int device) {
  World& world = World::current();
  if (world.device(device) == nullptr) {
    throw std::out_of_range("Expected a simulated device, got `" + std::to_string(device) + "`");
  }
  return world.ledger->snapshot(device);
}

std::uint64_t pinned_host_bytes() {
  return std::atomic_ref(World::current().ledger->header().pinned_host_bytes).load();
}

}  // namespace cuda_simulator

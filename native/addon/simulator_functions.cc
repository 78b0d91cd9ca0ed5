// The simulated runtime, for tests: a new world, faults, counts, the ledger. Not in the real one's
// addon.
#ifdef CUDA_SHUTDOWN_SIMULATED

#include <cstdint>
#include <functional>
#include <string>

#include "addon/convert.h"
#include "addon/functions.h"
#include "core/runtime.h"
#include "simulator/control.h"
#include "simulator/faults.h"

namespace cuda_shutdown {

namespace {

namespace simulator = cuda_simulator;

// Runs `body`; what was asked for wrongly is a RangeError, anything else an Error.
template <typename Body>
auto checked(Napi::Env env, Body body) {
  try {
    return body();
  } catch (const std::invalid_argument& bad) {
    throw Napi::RangeError::New(env, bad.what());
  } catch (const std::logic_error& error) {
    throw Napi::Error::New(env, error.what());
  }
}

std::string text(const Napi::Value& value) { return value.As<Napi::String>().Utf8Value(); }

// info: devices, memory, faults, ledger
void begin(const Napi::CallbackInfo& info) {
  checked(info.Env(), [&] {
    simulator::Settings settings;
    settings.devices = info[0].As<Napi::Number>().Int32Value();
    if (settings.devices < 0 || settings.devices > simulator::Settings::kMaxDevices) {
      throw std::invalid_argument("Expected from 0 to 64 simulated devices, got " +
                                  std::to_string(settings.devices));
    }
    settings.memory = simulator::parse_memory(text(info[1]));
    settings.faults = text(info[2]);
    settings.ledger = text(info[3]);
    // Before anything is changed.
    static_cast<void>(simulator::parse_faults(settings.faults, settings.devices));
    Runtime::begin_anew([&] { simulator::reset(settings); });
  });
}

void inject(const Napi::CallbackInfo& info) {
  checked(info.Env(), [&] { simulator::inject(text(info[0])); });
}

void release_hangs(const Napi::CallbackInfo&) { simulator::release_hangs(); }

Napi::Value calls(const Napi::CallbackInfo& info) {
  return checked(info.Env(), [&] { return number(info.Env(), simulator::calls(text(info[0]))); });
}

// The words of the ledger's entry for a device, in the order of its file.
Napi::Value device_ledger(const Napi::CallbackInfo& info) {
  const auto ledger = simulator::ledger(info[0].As<Napi::Number>().Int32Value());
  const std::uint64_t words[] = {
      ledger.used_bytes,        ledger.reserved_bytes, ledger.live_allocations,
      ledger.total_allocations, ledger.total_frees,    ledger.peak_used_bytes,
      ledger.context_active,    ledger.sticky_error,   ledger.invalid_frees,
      ledger.live_streams,      ledger.live_events,    ledger.faults_acted};
  auto array = Napi::Array::New(info.Env(), std::size(words));
  for (std::uint32_t i = 0; i < std::size(words); ++i) array.Set(i, number(info.Env(), words[i]));
  return array;
}

Napi::Value pinned_host_bytes(const Napi::CallbackInfo& info) {
  return number(info.Env(), simulator::pinned_host_bytes());
}

}  // namespace

void export_simulator_functions(Napi::Env env, Napi::Object exports) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("begin", Napi::Function::New<begin>(env));
  object.Set("inject", Napi::Function::New<inject>(env));
  object.Set("releaseHangs", Napi::Function::New<release_hangs>(env));
  object.Set("calls", Napi::Function::New<calls>(env));
  object.Set("deviceLedger", Napi::Function::New<device_ledger>(env));
  object.Set("pinnedHostBytes", Napi::Function::New<pinned_host_bytes>(env));
  exports.Set("simulator", object);
}

}  // namespace cuda_shutdown

#endif

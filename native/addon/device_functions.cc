// What devices there are, and what they are.
#include "addon/convert.h"
#include "addon/environment.h"
#include "addon/functions.h"
#include "core/runtime.h"

namespace cuda_shutdown {

namespace {

Napi::Value initialise(const Napi::CallbackInfo& info) {
  Environment::of(info.Env()).is_main_thread = info[0].ToBoolean();
  return info.Env().Undefined();
}

Napi::Value probe(const Napi::CallbackInfo& info) {
  const Probe& probe = Runtime::instance().probe();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("deviceCount", probe.device_count);
  object.Set("cudaCode", static_cast<int>(probe.code));
  object.Set("cudaName", cudaGetErrorName(probe.code));
  object.Set("message", cudaGetErrorString(probe.code));
  object.Set("runtimeVersion", probe.runtime_version);
  object.Set("driverVersion", probe.driver_version);
  return object;
}

Napi::Value get_device_properties(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const DeviceProperties& properties = device_from(info[0]).properties();
  Napi::Object capability = Napi::Object::New(env);
  capability.Set("major", properties.compute_major);
  capability.Set("minor", properties.compute_minor);
  Napi::Object object = Napi::Object::New(env);
  object.Set("index", properties.index);
  object.Set("name", properties.name);
  object.Set("uuid", properties.uuid);
  object.Set("pciBusId", properties.pci_bus_id);
  object.Set("totalMemory", number(env, properties.total_memory));
  object.Set("computeCapability", capability);
  object.Set("memoryPoolsSupported", properties.memory_pools_supported);
  return object;
}

Napi::Value is_device_initialised(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), device_from(info[0]).context().initialised());
}

}  // namespace

Napi::Object job_object(Napi::Env env, JobHandle handle) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("cancel",
             Napi::Function::New(env, [handle = std::move(handle)](const Napi::CallbackInfo&) {
               handle.cancel();
             }));
  return object;
}

void export_device_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("initialise", Napi::Function::New(env, initialise));
  exports.Set("probe", Napi::Function::New(env, probe));
  exports.Set("getDeviceProperties", Napi::Function::New(env, get_device_properties));
  exports.Set("isDeviceInitialised", Napi::Function::New(env, is_device_initialised));
}

}  // namespace cuda_shutdown

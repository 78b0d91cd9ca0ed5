// What the addon exports, by topic. Each adds its functions to the exports object.
#pragma once

#include <napi.h>

#include "core/device.h"

namespace cuda_shutdown {

void export_device_functions(Napi::Env env, Napi::Object exports);
void export_memory_functions(Napi::Env env, Napi::Object exports);
void export_model_functions(Napi::Env env, Napi::Object exports);
#ifdef CUDA_SHUTDOWN_SIMULATED
void export_simulator_functions(Napi::Env env, Napi::Object exports);
#endif
void export_thread_functions(Napi::Env env, Napi::Object exports);
void export_watchdog_functions(Napi::Env env, Napi::Object exports);

// { cancel() } for work under way.
[[nodiscard]] Napi::Object job_object(Napi::Env env, JobHandle handle);

}  // namespace cuda_shutdown

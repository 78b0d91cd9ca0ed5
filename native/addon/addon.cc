// The addon: converts, calls the core, converts back. The only room that includes napi.h.
#include "addon/environment.h"
#include "addon/functions.h"

namespace cuda_shutdown {

namespace {

// Instance data wants one; the environment's state stays (below).
void keep(Napi::Env, Environment*) {}

Napi::Object initialise_addon(Napi::Env env, Napi::Object exports) {
  // Never deleted: models' finalizers, which run after every hook, still ask it how things stand.
  // A worker costs its few dozen bytes.
  auto* const environment = new Environment(env);
  env.SetInstanceData<Environment, keep>(environment);
  env.AddCleanupHook([environment] { environment->ending = true; });
#ifdef CUDA_SHUTDOWN_SIMULATED
  exports.Set("runtime", "simulated");
  export_simulator_functions(env, exports);
#else
  exports.Set("runtime", "cuda");
#endif
  export_device_functions(env, exports);
  export_memory_functions(env, exports);
  export_model_functions(env, exports);
  export_thread_functions(env, exports);
  export_watchdog_functions(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(cuda_shutdown, initialise_addon)

}  // namespace cuda_shutdown

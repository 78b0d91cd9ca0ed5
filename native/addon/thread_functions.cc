// Which worker threads have a shutdown of their own. Process lifetime: every environment enters
// itself, and leaves by its clean-up hook, however its thread ends.
#include <algorithm>
#include <mutex>
#include <vector>

#include "addon/environment.h"
#include "addon/functions.h"

namespace cuda_shutdown {

namespace {

// Thread-safe. Node never gives a thread's id twice.
class ThreadRegistry {
 public:
  static ThreadRegistry& instance() {
    // Leaked on purpose: workers' hooks may run while the process ends.
    static auto* const registry = new ThreadRegistry;
    return *registry;
  }
  void enter(double thread) {
    const std::lock_guard lock(mutex_);
    threads_.push_back(thread);
  }
  void leave(double thread) {
    const std::lock_guard lock(mutex_);
    threads_.erase(std::remove(threads_.begin(), threads_.end(), thread), threads_.end());
  }
  std::vector<double> list() const {
    const std::lock_guard lock(mutex_);
    return threads_;
  }

 private:
  ThreadRegistry() = default;

  mutable std::mutex mutex_;  // Guards the rest.
  std::vector<double> threads_;
};

Napi::Value enter_thread(const Napi::CallbackInfo& info) {
  const double thread = info[0].As<Napi::Number>().DoubleValue();
  Environment& environment = Environment::of(info.Env());
  // Once per environment: the hook leaves with whatever id was entered last.
  if (!environment.thread) {
    info.Env().AddCleanupHook([&environment] {
      if (environment.thread) ThreadRegistry::instance().leave(*environment.thread);
    });
  } else {
    ThreadRegistry::instance().leave(*environment.thread);
  }
  environment.thread = thread;
  ThreadRegistry::instance().enter(thread);
  return info.Env().Undefined();
}

Napi::Value leave_thread(const Napi::CallbackInfo& info) {
  const Environment& environment = Environment::of(info.Env());
  if (environment.thread) ThreadRegistry::instance().leave(*environment.thread);
  return info.Env().Undefined();
}

Napi::Value list_threads(const Napi::CallbackInfo& info) {
  const std::vector<double> threads = ThreadRegistry::instance().list();
  Napi::Array array = Napi::Array::New(info.Env(), threads.size());
  for (std::uint32_t i = 0; i < threads.size(); ++i) array.Set(i, threads[i]);
  return array;
}

}  // namespace

void export_thread_functions(Napi::Env env, Napi::Object exports) {
  Napi::Object threads = Napi::Object::New(env);
  threads.Set("enter", Napi::Function::New(env, enter_thread));
  threads.Set("leave", Napi::Function::New(env, leave_thread));
  threads.Set("list", Napi::Function::New(env, list_threads));
  exports.Set("threads", threads);
}

}  // namespace cuda_shutdown

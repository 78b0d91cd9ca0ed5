// The state of one JavaScript environment (the main thread's, or a worker's): environment lifetime.
// What the process has in common, devices and the watchdog, is the core's.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "addon/mailbox.h"

namespace cuda_shutdown {

struct Environment {
  explicit Environment(Napi::Env env) : mailbox(Mailbox::open(env)) {}

  std::shared_ptr<Mailbox> mailbox;
  // Decides what an unreleased model's finalizer does: at the end of a worker the process goes on,
  // and the memory is given back; at the end of the main thread the driver does that, and work that
  // were begun now would race with the runtime's static destructors.
  bool is_main_thread = true;
  bool ending = false;
  // Its entry in the registry of thread_functions.cc, current or former.
  std::optional<double> thread;
  Napi::FunctionReference model_class;

  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
};

}  // namespace cuda_shutdown

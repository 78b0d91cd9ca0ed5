// The JavaScript functions that one job reports to. Made and let go on the environment's thread;
// the job's threads hold only a share in it and post to the mailbox.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "addon/mailbox.h"

namespace cuda_shutdown {

class Callbacks : public std::enable_shared_from_this<Callbacks> {
 public:
  // Holds the event loop open until `settle` has been delivered.
  static std::shared_ptr<Callbacks> hold(std::shared_ptr<Mailbox> mailbox,
                                         std::vector<Napi::Function> functions) {
    std::shared_ptr<Callbacks> callbacks(new Callbacks(std::move(mailbox)));
    for (const Napi::Function& function : functions) {
      callbacks->functions_.push_back(Napi::Persistent(function));
    }
    callbacks->mailbox_->await_one();
    return callbacks;
  }
  ~Callbacks() {
    // The last share may go on a job's thread; references belong to the environment's. Where the
    // environment is gone, its references are too, and only their memory is left to be freed.
    for (Napi::FunctionReference& function : functions_) function.SuppressDestruct();
    if (functions_.empty()) return;
    mailbox_->post([functions = std::make_shared<std::vector<Napi::FunctionReference>>(
                        std::move(functions_))](Napi::Env) {
      for (Napi::FunctionReference& function : *functions) function.Reset();
    });
  }
  Callbacks(const Callbacks&) = delete;  // Owns references.
  Callbacks& operator=(const Callbacks&) = delete;

  // Makes the arguments on the environment's thread.
  using Arguments = std::function<std::vector<napi_value>(Napi::Env)>;

  // Any thread.
  void call(std::size_t index, Arguments arguments) {
    mailbox_->post([self = shared_from_this(), index, arguments = std::move(arguments)](
                       Napi::Env env) { self->functions_[index].Call(arguments(env)); });
  }
  void settle(std::size_t index, Arguments arguments) {
    mailbox_->post(
        [self = shared_from_this(), index, arguments = std::move(arguments)](Napi::Env env) {
          self->mailbox_->await_one_less();
          self->functions_[index].Call(arguments(env));
        });
  }

 private:
  explicit Callbacks(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}

  const std::shared_ptr<Mailbox> mailbox_;
  std::vector<Napi::FunctionReference> functions_;
};

}  // namespace cuda_shutdown

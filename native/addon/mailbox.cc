#include "addon/mailbox.h"

#include <utility>

namespace cuda_shutdown {

namespace {

void throw_if_failed(napi_env env, napi_status status) {
  if (status != napi_ok) throw Napi::Error::New(env);
}

// As if thrown by a timer's callback: the process's uncaughtException.
void report_uncaught(Napi::Env env, const Napi::Error& error) {
  try {
    napi_fatal_exception(env, error.Value());
  } catch (const Napi::Error&) {
    // A worker that is being terminated: it runs no more JavaScript, and hears of nothing.
  }
}

}  // namespace

std::shared_ptr<Mailbox> Mailbox::open(Napi::Env env) {
  std::shared_ptr<Mailbox> mailbox(new Mailbox(env));
  const auto on_wake = [](napi_env woken, napi_value, void* context, void*) {
    // Without an environment the function is being torn down with messages still queued.
    if (woken != nullptr) static_cast<Mailbox*>(context)->deliver(woken);
  };
  throw_if_failed(env, napi_create_threadsafe_function(
                           env, nullptr, nullptr, Napi::String::New(env, "cuda-shutdown"), 0, 1,
                           nullptr, nullptr, mailbox.get(), on_wake, &mailbox->wake_));
  throw_if_failed(env, napi_unref_threadsafe_function(env, mailbox->wake_));
  // Hooks run last in, first out: this one before the thread-safe function's own, which was made
  // above. It holds the mailbox until then.
  env.AddCleanupHook([mailbox] { mailbox->close(); });
  return mailbox;
}

void Mailbox::await_one() {
  if (awaited_++ == 0) napi_ref_threadsafe_function(env_, wake_);
}

void Mailbox::await_one_less() {
  if (--awaited_ == 0) napi_unref_threadsafe_function(env_, wake_);
}

void Mailbox::post(Message message) {
  const std::lock_guard lock(mutex_);
  if (wake_ == nullptr) return;
  messages_.push_back(std::move(message));
  // One wake-up serves for all that is queued until it is delivered.
  if (messages_.size() == 1) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

void Mailbox::close() {
  // Dropped after the lock is, because a message's end may post another.
  std::deque<Message> dropped;
  const std::lock_guard lock(mutex_);
  napi_release_threadsafe_function(wake_, napi_tsfn_abort);
  wake_ = nullptr;
  dropped.swap(messages_);
}

void Mailbox::deliver(Napi::Env env) {
  std::deque<Message> messages;
  {
    const std::lock_guard lock(mutex_);
    messages.swap(messages_);
  }
  const Napi::HandleScope scope(env);
  for (const Message& message : messages) {
    try {
      message(env);
    } catch (const Napi::Error& error) {
      report_uncaught(env, error);
    }
  }
}

}  // namespace cuda_shutdown

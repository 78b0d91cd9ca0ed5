// The way from any thread back into one JavaScript environment. Shared by the environment and every
// piece of work that has something to tell it; lives as long as the last of them.
#pragma once

#include <napi.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace cuda_shutdown {

// What is posted after the environment has ended is dropped: a terminated worker's jobs go on, and
// nobody hears of them.
class Mailbox {
 public:
  using Message = std::function<void(Napi::Env)>;

  // On the environment's thread, as the next two.
  static std::shared_ptr<Mailbox> open(Napi::Env env);
  // Messages that are awaited keep the event loop alive; while none is, it may end.
  void await_one();
  void await_one_less();

  // Any thread.
  void post(Message message);

  Mailbox(const Mailbox&) = delete;  // The environment's clean-up hook refers to it.
  Mailbox& operator=(const Mailbox&) = delete;

 private:
  explicit Mailbox(Napi::Env env) : env_(env) {}
  void close();
  void deliver(Napi::Env env);

  const napi_env env_;
  unsigned awaited_ = 0;  // The environment's thread only.
  std::mutex mutex_;      // Guards everything below, and the thread-safe function's use.
  napi_threadsafe_function wake_ = nullptr;  // Null once the environment has ended.
  std::deque<Message> messages_;
};

}  // namespace cuda_shutdown

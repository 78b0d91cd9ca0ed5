// The one thread that watches every lane's deadlines. Process lifetime: started with the first
// lane, never joined, and leaked on purpose, because lanes may be inside the driver when the
// process ends.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace cuda_shutdown {

class Lane;

class Supervisor {
 public:
  static Supervisor& instance();
  Supervisor(const Supervisor&) = delete;  // There is one.
  Supervisor& operator=(const Supervisor&) = delete;

  void watch(const std::shared_ptr<Lane>& lane);
  // Has every lane looked at soon: something was submitted, begun or cancelled.
  void wake() noexcept;

 private:
  Supervisor();
  [[noreturn]] void run();

  std::mutex mutex_;  // Guards everything below; never held while a lane is inspected.
  std::condition_variable condition_;
  bool woken_ = false;
  std::vector<std::weak_ptr<Lane>> lanes_;
};

}  // namespace cuda_shutdown

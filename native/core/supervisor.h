// The one thread that watches every lane's deadlines. Process lifetime: started with the first
// lane, never joined, and leaked on purpose, because lanes may be inside the driver when the
// process ends.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "core/limits.h"

namespace cuda_shutdown {

class Lane;

class Supervisor {
 public:
  static Supervisor& instance();
  Supervisor(const Supervisor&) = delete;  // There is one.
  Supervisor& operator=(const Supervisor&) = delete;

  void watch(const std::shared_ptr<Lane>& lane);
  // Has every lane looked at by then, because something was submitted, begun or cancelled. It wakes
  // the thread only where that is sooner than it would have looked.
  void look_by(Clock::time_point time) noexcept;

 private:
  Supervisor();
  // Allocates nothing, as inspect() does not: a thread of its own has nobody to tell.
  [[noreturn]] void run();
  // The first from `index` on that lives, which is where it then is.
  [[nodiscard]] std::shared_ptr<Lane> lane_at(std::size_t& index);

  std::mutex mutex_;  // Guards everything below; never held while a lane is inspected.
  std::condition_variable condition_;
  Clock::time_point next_look_ = Clock::time_point::max();
  std::vector<std::weak_ptr<Lane>> lanes_;
};

}  // namespace cuda_shutdown

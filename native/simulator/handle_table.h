// Opaque handles, and the objects they stand for. Handles are numbers that are never used twice in
// a process, so one that was destroyed, or that is of another kind, is known to be wrong. State:
// one table per kind and world. Threads: any; `mutex_` guards objects_ and is innermost.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace cuda_simulator {

// Process lifetime. Small numbers are cudaStreamLegacy and cudaStreamPerThread.
inline std::uintptr_t next_handle() {
  static std::atomic<std::uintptr_t> last{0x1000};
  return last += 0x10;
}

template <typename Handle, typename Object>
class HandleTable {
 public:
  Handle add(std::shared_ptr<Object> object) {
    const auto handle =
        reinterpret_cast<Handle>(next_handle());  // NOLINT(performance-no-int-to-ptr)
    const std::lock_guard lock(mutex_);
    objects_.emplace(handle, std::move(object));
    return handle;
  }

  std::shared_ptr<Object> find(Handle handle) const {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(handle);
    return found != objects_.end() ? found->second : nullptr;
  }

  std::shared_ptr<Object> remove(Handle handle) {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(handle);
    if (found == objects_.end()) return nullptr;
    auto object = std::move(found->second);
    objects_.erase(found);
    return object;
  }

  template <typename Predicate>
  std::size_t remove_if(Predicate predicate) {
    const std::lock_guard lock(mutex_);
    return std::erase_if(objects_, [&](const auto& entry) { return predicate(*entry.second); });
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_map<Handle, std::shared_ptr<Object>> objects_;
};

}  // namespace cuda_simulator

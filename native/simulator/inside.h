// Marks that a thread is inside the runtime. State: thread lifetime.
#pragma once

namespace cuda_simulator {

// How many calls deep; a thread of the runtime's own always is in one.
inline int& runtime_depth() noexcept {
  static thread_local int depth = 0;
  return depth;
}

class Inside {
 public:
  Inside() noexcept { ++runtime_depth(); }
  ~Inside() { --runtime_depth(); }
  Inside(const Inside&) = delete;  // Counts once.
  Inside& operator=(const Inside&) = delete;
};

}  // namespace cuda_simulator

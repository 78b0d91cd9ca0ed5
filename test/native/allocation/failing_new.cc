#include "failing_new.h"

#include <atomic>
#include <cstdlib>
#include <new>

#include "simulator/control.h"

namespace failing_new {
namespace {

// How many allocations are left until the one that fails; below 1 it has failed, or is not armed.
std::atomic<std::int64_t> left{0};
std::atomic<bool> failed{false};

void count() {
  if (left.load(std::memory_order_relaxed) <= 0 || cuda_simulator::in_runtime()) return;
  if (left.fetch_sub(1) != 1) return;
  failed.store(true);
  throw std::bad_alloc();
}

}  // namespace

void arm(std::uint64_t nth) {
  failed.store(false);
  left.store(static_cast<std::int64_t>(nth));
}

bool disarm() {
  left.store(0);
  return failed.load();
}

}  // namespace failing_new

// The other forms call these. malloc, so that a sanitizer still sees what is lost.
void* operator new(std::size_t bytes) {
  failing_new::count();
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  failing_new::count();
  const auto unit = static_cast<std::size_t>(alignment);
  void* const memory = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#include "ledger.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "settings.h"

namespace cuda_simulator {
namespace {

[[noreturn]] void reject(const std::string& path) {
  throw BadSetting("Expected CUDA_SHUTDOWN_SIM_LEDGER to be a file that can be written (" +
                   std::string(std::strerror(errno)) + "), got `" + path + "`");
}

void* map_file(const std::string& path, std::size_t bytes) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) reject(path);
  void* memory = MAP_FAILED;
  // Allocated, not only sized: a store into a hole of a full disk would be a SIGBUS.
  const int refused = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  if (refused == 0) {
    memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  } else {
    errno = refused;
  }
  const int error = errno;
  ::close(file);
  errno = error;
  if (memory == MAP_FAILED) reject(path);
  return memory;
}

void* map_private(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return memory;
}

}  // namespace

Ledger::Ledger(const std::string& path, int devices) {
  const std::size_t bytes =
      sizeof(LedgerHeader) + static_cast<std::size_t>(devices) * sizeof(DeviceLedger);
  header_ = static_cast<LedgerHeader*>(path.empty() ? map_private(bytes) : map_file(path, bytes));
  std::memcpy(header_->magic, "CUDALEDG", sizeof(header_->magic));
  header_->version = kLedgerVersion;
  header_->device_count = static_cast<std::uint32_t>(devices);
  header_->pid = static_cast<std::uint64_t>(::getpid());
}

DeviceLedger& Ledger::device(int ordinal) {
  return reinterpret_cast<DeviceLedger*>(header_ + 1)[ordinal];
}

DeviceLedger Ledger::snapshot(int ordinal) {
  DeviceLedger copy{};
  DeviceLedger& live = device(ordinal);
  static_assert(sizeof(DeviceLedger) % sizeof(std::uint64_t) == 0);
  auto* from = reinterpret_cast<std::uint64_t*>(&live);
  auto* to = reinterpret_cast<std::uint64_t*>(&copy);
  for (std::size_t i = 0; i < sizeof(DeviceLedger) / sizeof(std::uint64_t); ++i) {
    to[i] = std::atomic_ref(from[i]).load(std::memory_order_relaxed);
  }
  return copy;
}

void ledger_allocated(DeviceLedger& device, std::uint64_t bytes) {
  const std::uint64_t used = ledger_add(device.used_bytes, bytes);
  ledger_add(device.live_allocations, 1);
  ledger_add(device.total_allocations, 1);
  std::atomic_ref peak(device.peak_used_bytes);
  std::uint64_t seen = peak.load(std::memory_order_relaxed);
  while (seen < used && !peak.compare_exchange_weak(seen, used, std::memory_order_relaxed)) {
  }
}

void ledger_freed(DeviceLedger& device, std::uint64_t bytes) {
  ledger_subtract(device.used_bytes, bytes);
  ledger_subtract(device.live_allocations, 1);
  ledger_add(device.total_frees, 1);
}

}  // namespace cuda_simulator

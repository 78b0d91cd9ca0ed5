// The simulated machine: what the settings made, and everything that calls have made since.
// State: one current world per process, made at the first call. Worlds are never destroyed, nor are
// they at exit: a thread that hangs in a call, or a stream that still runs, may touch its world
// later.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <string>
#include <vector>

#include "address_map.h"
#include "call_counts.h"
#include "device.h"
#include "event.h"
#include "faults.h"
#include "handle_table.h"
#include "ledger.h"
#include "memory_pool.h"
#include "process_state.h"
#include "settings.h"
#include "stream.h"

namespace cuda_simulator {

class World {
 public:
  static World& current();

  // Makes the settings' world the current one. Bad settings: one line on stderr, and every call
  // answers cudaErrorInitializationError. The old world's hangs and streams end.
  static void begin(const Settings& settings);
  static void begin_from_environment();

  World(const World&) = delete;  // its parts refer to one another
  World& operator=(const World&) = delete;

  // The process is the child of a fork, after which a world cannot be used.
  bool forked() const { return forks_ != forks(); }

  // nullptr where there is none.
  Device* device(int ordinal) {
    return ordinal >= 0 && static_cast<std::size_t>(ordinal) < devices.size()
               ? devices[static_cast<std::size_t>(ordinal)].get()
               : nullptr;
  }
  cudaMemPool_t create_pool(Device& device, std::uint64_t max_size);

  // The second half of a free whose region was claimed.
  void free_device_region(std::uintptr_t base);
  void free_host_region(std::uintptr_t base);

  Settings settings;
  bool broken = false;
  Faults faults;
  CallCounts calls;
  std::unique_ptr<Ledger> ledger;
  AddressMap addresses;
  std::vector<std::unique_ptr<Device>> devices;
  HandleTable<cudaStream_t, Stream> streams;
  HandleTable<cudaEvent_t, Event> events;
  HandleTable<cudaMemPool_t, MemoryPool> pools;

 private:
  World() = default;
  static World* make(const Settings& settings);
  static World* make_broken(const std::string& reason);
  static void replace(World* next);
  void build(const Settings& settings);
  void retire();

  const unsigned int forks_ = forks();
  World* previous_ = nullptr;  // kept reachable
};

}  // namespace cuda_simulator

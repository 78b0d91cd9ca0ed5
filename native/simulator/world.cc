#include "world.h"

#include <atomic>
#include <cstdio>
#include <exception>
#include <mutex>

#include "process_state.h"

namespace cuda_simulator {
namespace {

// Process lifetime.
std::atomic<World*> current_world{nullptr};
std::once_flag begun;

}  // namespace

World& World::current() {
  World* world = current_world.load(std::memory_order_acquire);
  if (world == nullptr) {
    std::call_once(begun, begin_from_environment);
    world = current_world.load(std::memory_order_acquire);
  }
  return *world;
}

void World::begin(const Settings& settings) { replace(make(settings)); }

void World::begin_from_environment() {
  Settings settings;
  try {
    settings = settings_from_environment();
  } catch (const BadSetting& bad) {
    replace(make_broken(bad.what()));
    return;
  }
  replace(make(settings));
}

World* World::make(const Settings& settings) {
  auto* world = new World();
  try {
    world->build(settings);
    return world;
  } catch (const std::exception& failure) {
    delete world;
    return make_broken(failure.what());
  }
}

World* World::make_broken(const std::string& reason) {
  std::fprintf(stderr, "%s\n", reason.c_str());
  auto* world = new World();
  world->broken = true;
  world->ledger = std::make_unique<Ledger>("", 0);
  return world;
}

void World::replace(World* next) {
  watch_process();
  World* old = current_world.exchange(next, std::memory_order_acq_rel);
  next->previous_ = old;
  if (old != nullptr) old->retire();
}

void World::build(const Settings& wanted) {
  settings = wanted;
  for (const Fault& fault : parse_faults(settings.faults, settings.devices)) faults.add(fault);
  ledger = std::make_unique<Ledger>(settings.ledger, settings.devices);
  for (int ordinal = 0; ordinal < settings.devices; ++ordinal) {
    devices.push_back(
        std::make_unique<Device>(ordinal, settings.memory, addresses, ledger->device(ordinal)));
    Device& device = *devices.back();
    if (settings.memory_pools) {
      device.default_pool = create_pool(device, 0);
      device.current_pool = device.default_pool.load();
    }
  }
}

cudaMemPool_t World::create_pool(Device& device, std::uint64_t max_size) {
  return pools.add(device.create_pool(max_size));
}

void World::free_device_region(std::uintptr_t base) {
  auto region = addresses.unmap(base, Region::Kind::kDevice);
  if (!region) region = addresses.unmap(base, Region::Kind::kManaged);
  if (!region) return;
  Device& owner = *device(region->device);
  owner.budget().release(region->committed);
  ledger_freed(owner.ledger(), region->size);
}

void World::free_host_region(std::uintptr_t base) {
  auto region = addresses.unmap(base, Region::Kind::kHost);
  if (!region) region = addresses.unmap(base, Region::Kind::kRegistered);
  if (region) ledger_subtract(ledger->header().pinned_host_bytes, region->size);
}

void World::retire() {
  for (const auto& device : devices) {
    device->lose(cudaErrorContextIsDestroyed);
    device->streams().close_all();
  }
  faults.release_hangs();  // last: they come back to a lost device
  addresses.discard_pages();
}

}  // namespace cuda_simulator

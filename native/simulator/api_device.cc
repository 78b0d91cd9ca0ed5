// Device management. What only asks about a device begins no context on it.
#include <cstring>

#include "api.h"
#include "device_attributes.h"

namespace cuda_simulator {
namespace {

// body(World&, Device&), without a context.
template <typename Body>
cudaError_t about_device(Function function, const int& ordinal, Body body) {
  return call_without_context(function, device_number(ordinal), [&](World& world, ThreadState&) {
    if (world.devices.empty()) return cudaErrorNoDevice;
    Device* device = world.device(ordinal);
    return device != nullptr ? body(world, *device) : cudaErrorInvalidDevice;
  });
}

// cudaDeviceReset destroys what belongs to the context. Pools and what was allocated from them
// stay.
void destroy_context(World& world, Device& device) {
  const int ordinal = device.ordinal();
  world.streams.remove_if([&](const Stream& stream) { return stream.device() == ordinal; });
  world.events.remove_if([&](const Event& event) { return event.device() == ordinal; });
  device.streams().close_all();
  ledger_set(device.ledger().live_streams, 0);
  ledger_set(device.ledger().live_events, 0);
  const auto belongs = [&](Region::Kind kind) {
    return [=](const Region& region) { return region.kind == kind && region.device == ordinal; };
  };
  for (const auto kind : {Region::Kind::kDevice, Region::Kind::kManaged}) {
    while (const auto base = world.addresses.first(belongs(kind))) world.free_device_region(*base);
  }
  for (const auto kind : {Region::Kind::kHost, Region::Kind::kRegistered}) {
    while (const auto base = world.addresses.first(belongs(kind))) world.free_host_region(*base);
  }
  device.forget_peers();
  for (const auto& other : world.devices) other->disable_peer(ordinal);
  device.flags = 0;
  device.deactivate();
}

// At most one way of waiting may be asked for.
bool valid_flags(unsigned int flags) {
  const unsigned int schedule = flags & cudaDeviceScheduleMask;
  return (flags & ~static_cast<unsigned int>(cudaDeviceMask)) == 0 &&
         (schedule & (schedule - 1)) == 0;
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaGetDeviceCount(int* count) {
  return call_without_context(Function::GetDeviceCount, current_device(),
                              [&](World& world, ThreadState&) {
                                if (count == nullptr) return cudaErrorInvalidValue;
                                *count = static_cast<int>(world.devices.size());
                                return world.devices.empty() ? cudaErrorNoDevice : cudaSuccess;
                              });
}

cudaError_t cudaGetDevice(int* ordinal) {
  return call_without_context(Function::GetDevice, current_device(),
                              [&](World& world, ThreadState& thread) {
                                if (world.devices.empty()) return cudaErrorNoDevice;
                                if (ordinal == nullptr) return cudaErrorInvalidValue;
                                *ordinal = thread.device;
                                return cudaSuccess;
                              });
}

cudaError_t cudaSetDevice(int ordinal) {
  return about_device(Function::SetDevice, ordinal, [&](World& world, Device& device) {
    if (device.error() != cudaSuccess) return device.error();
    thread_state(world).device = ordinal;
    device.activate();
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int ordinal) {
  return about_device(Function::GetDeviceProperties, ordinal, [&](World& world, Device& device) {
    if (properties == nullptr) return cudaErrorInvalidValue;
    *properties =
        device_properties(ordinal, device.budget().capacity(), world.settings.memory_pools);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int ordinal) {
  return about_device(Function::DeviceGetAttribute, ordinal, [&](World& world, Device&) {
    if (value == nullptr || attribute < cudaDevAttrMaxThreadsPerBlock) return cudaErrorInvalidValue;
    const auto answer = device_attribute(attribute, ordinal, world.settings.memory_pools);
    if (!answer) return cudaErrorInvalidValue;
    *value = *answer;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int length, int ordinal) {
  return about_device(Function::DeviceGetPCIBusId, ordinal, [&](World&, Device&) {
    const std::string id = pci_bus_id(ordinal);
    if (text == nullptr || length < static_cast<int>(id.size()) + 1) return cudaErrorInvalidValue;
    std::memcpy(text, id.c_str(), id.size() + 1);
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetByPCIBusId(int* ordinal, const char* text) {
  return call_without_context(Function::DeviceGetByPCIBusId, current_device(),
                              [&](World& world, ThreadState&) {
                                if (world.devices.empty()) return cudaErrorNoDevice;
                                if (ordinal == nullptr || text == nullptr)
                                  return cudaErrorInvalidValue;
                                const auto wanted = parse_pci_bus_id(text);
                                if (!wanted) return cudaErrorInvalidValue;
                                for (const auto& device : world.devices) {
                                  if (pci_bus_id(device->ordinal()) == *wanted) {
                                    *ordinal = device->ordinal();
                                    return cudaSuccess;
                                  }
                                }
                                return cudaErrorInvalidDevice;
                              });
}

cudaError_t cudaInitDevice(int ordinal, unsigned int device_flags, unsigned int flags) {
  return call_in_context(Function::InitDevice, device_number(ordinal), [&](World&, Device& device) {
    if (flags > cudaInitDeviceFlagsAreValid) return cudaErrorInvalidValue;
    if (flags == 0) return cudaSuccess;
    if (!valid_flags(device_flags)) return cudaErrorInvalidValue;
    device.flags = device_flags;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDeviceFlags(unsigned int flags) {
  return call_in_context(Function::SetDeviceFlags, current_device(), [&](World&, Device& device) {
    if (!valid_flags(flags)) return cudaErrorInvalidValue;
    device.flags = flags;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceFlags(unsigned int* flags) {
  return call_without_context(Function::GetDeviceFlags, current_device(),
                              [&](World& world, ThreadState& thread) {
                                Device* device = world.device(thread.device);
                                if (device == nullptr) return cudaErrorNoDevice;
                                if (flags == nullptr) return cudaErrorInvalidValue;
                                *flags = device->flags.load() | cudaDeviceMapHost;
                                return cudaSuccess;
                              });
}

cudaError_t cudaDeviceSynchronize() {
  return call_in_context(Function::DeviceSynchronize, current_device(),
                         [](World&, Device& device) { return device.synchronize(); });
}

cudaError_t cudaDeviceReset() {
  return call_without_context(Function::DeviceReset, current_device(),
                              [](World& world, ThreadState& thread) {
                                Device* device = world.device(thread.device);
                                if (device == nullptr) return cudaErrorNoDevice;
                                if (device->error() != cudaSuccess) return device->error();
                                if (!device->active()) return cudaSuccess;
                                const cudaError_t error = device->synchronize();
                                if (error == cudaSuccess) destroy_context(world, *device);
                                return error;
                              });
}

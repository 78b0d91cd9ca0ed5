// Copies and fills, done by the streams' threads.
#include <cstring>
#include <vector>

#include "api.h"

namespace cuda_simulator {
namespace {

enum class Side { kPageable, kPinned, kManaged, kDevice, kInvalid };

// kInvalid: the bytes begin in an allocation and end outside it, or the memory was freed.
Side side_of(World& world, const void* pointer, std::size_t bytes) {
  const auto region = world.addresses.find(pointer);
  if (!region) return Side::kPageable;
  const bool whole = region->pool ? region->pool->covers(pointer, bytes)
                                  : !region->claimed && world.addresses.covers(pointer, bytes);
  if (!whole) return Side::kInvalid;
  if (region->kind == Region::Kind::kManaged) return Side::kManaged;
  return region->pinned() ? Side::kPinned : Side::kDevice;
}

bool of_host(Side side) { return side == Side::kPageable || side == Side::kPinned; }

bool matches(cudaMemcpyKind kind, Side destination, Side source) {
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind == cudaMemcpyDefault) return true;
  // Pinned memory is the host's, and within the device's reach; managed memory is both's.
  const auto fits = [](Side side, bool device) {
    return device ? side != Side::kPageable : side != Side::kDevice;
  };
  return fits(destination, to_device) && fits(source, from_device);
}

struct Copy {
  void* destination;
  const void* source;
  std::size_t bytes;
  Side to;
  Side from;
  std::shared_ptr<const std::vector<std::byte>> staged = nullptr;  // of pageable memory
};

// Memory that was freed before the stream came to the work is the device's illegal address.
bool still_there(World& world, const void* pointer, std::size_t bytes, Side side) {
  return side == Side::kPageable || world.addresses.covers(pointer, bytes);
}

void enqueue_copy(World& world, Device& device, Stream& stream, Copy copy) {
  device.streams().enqueue(stream,
                           {.run = [&world, &device, copy = std::move(copy)](std::uint64_t) {
                             if (!still_there(world, copy.destination, copy.bytes, copy.to) ||
                                 !still_there(world, copy.source, copy.bytes, copy.from)) {
                               device.lose(cudaErrorIllegalAddress);
                               return;
                             }
                             const void* source = copy.staged ? copy.staged->data() : copy.source;
                             std::memmove(copy.destination, source, copy.bytes);
                           }});
}

cudaError_t wait_for(Stream& stream, Device& device) {
  const Marker marker = stream.mark();
  if (!marker.wait()) return device.error();
  marker.observe();
  return cudaSuccess;
}

cudaError_t copy_memory(World& world, Device& device, cudaStream_t handle, void* destination,
                        const void* source, std::size_t bytes, cudaMemcpyKind kind,
                        bool asynchronous) {
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) {
    return cudaErrorInvalidMemcpyDirection;
  }
  const auto stream = resolve(world, handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (bytes == 0) return cudaSuccess;
  if (destination == nullptr || source == nullptr) return cudaErrorInvalidValue;
  Copy copy{destination, source, bytes, side_of(world, destination, bytes),
            side_of(world, source, bytes)};
  if (copy.to == Side::kInvalid || copy.from == Side::kInvalid ||
      !matches(kind, copy.to, copy.from)) {
    return cudaErrorInvalidValue;
  }
  const bool on_device = copy.to == Side::kDevice && copy.from == Side::kDevice;
  const bool on_host = of_host(copy.to) && of_host(copy.from);
  // "Synchronous" and "asynchronous" are said of the call, not of what it does: API synchronization
  // behavior, in the runtime's documentation.
  const bool waits = asynchronous ? copy.to == Side::kPageable || on_host : !on_device;
  if (asynchronous && !waits && copy.from == Side::kPageable) {
    const auto* first = static_cast<const std::byte*>(source);
    copy.staged = std::make_shared<const std::vector<std::byte>>(first, first + bytes);
  }
  enqueue_copy(world, device, *stream, std::move(copy));
  return waits ? wait_for(*stream, device) : cudaSuccess;
}

cudaError_t fill_memory(World& world, Device& device, cudaStream_t handle, void* pointer, int value,
                        std::size_t bytes, bool asynchronous) {
  const auto stream = resolve(world, handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (bytes == 0) return cudaSuccess;
  const Side side = side_of(world, pointer, bytes);
  if (side == Side::kPageable || side == Side::kInvalid) return cudaErrorInvalidValue;
  device.streams().enqueue(*stream, {.run = [=, &world, &device](std::uint64_t) {
    if (!still_there(world, pointer, bytes, side)) {
      device.lose(cudaErrorIllegalAddress);
      return;
    }
    std::memset(pointer, value, bytes);
  }});
  return !asynchronous && side == Side::kPinned ? wait_for(*stream, device) : cudaSuccess;
}

// Whether the bytes may be named as those of that device.
bool on_peer(World& world, int ordinal, const void* pointer, std::size_t bytes) {
  const Side side = side_of(world, pointer, bytes);
  if (side == Side::kPageable || side == Side::kInvalid) return false;
  return side != Side::kDevice || world.addresses.find(pointer)->device == ordinal;
}

struct PeerCopy {
  void* destination;
  int to;
  const void* source;
  int from;
  std::size_t bytes;
};

cudaError_t refused(World& world, const PeerCopy& copy) {
  Device* const devices[] = {world.device(copy.to), world.device(copy.from)};
  for (const Device* device : devices) {
    if (device == nullptr) return cudaErrorInvalidDevice;
    if (device->error() != cudaSuccess) return device->error();
  }
  if (copy.bytes == 0) return cudaSuccess;
  return on_peer(world, copy.to, copy.destination, copy.bytes) &&
                 on_peer(world, copy.from, copy.source, copy.bytes)
             ? cudaSuccess
             : cudaErrorInvalidValue;
}

// In order with all work of the three devices: what they were given before, and what they are given
// after. Streams that are made later are not held back.
void copy_between(World& world, Device& device, const PeerCopy& peers) {
  Device& to = *world.device(peers.to);
  Device& from = *world.device(peers.from);
  const auto stream = device.streams().legacy();
  std::vector<Marker> before;
  for (Device* const each : {&device, &to, &from}) {
    for (Marker& marker : each->streams().outstanding()) {
      if (marker.stream != stream) before.push_back(std::move(marker));
    }
  }
  stream->enqueue({.run = nullptr, .after = std::move(before), .instant = true});
  enqueue_copy(
      world, device, *stream,
      {peers.destination, peers.source, peers.bytes, side_of(world, peers.destination, peers.bytes),
       side_of(world, peers.source, peers.bytes)});
  const Marker copied = stream->mark();
  device.streams().join_all(copied);
  for (Device* const each : {&to, &from}) {
    if (each != &device) each->streams().join_all(copied);
  }
}

}  // namespace

cudaError_t copy_in(Function function, cudaStream_t stream, void* destination, const void* source,
                    std::size_t bytes, cudaMemcpyKind kind) {
  return call_in_context(function, current_device(), [&](World& world, Device& device) {
    return copy_memory(world, device, stream, destination, source, bytes, kind, false);
  });
}

cudaError_t fill_in(Function function, cudaStream_t stream, void* pointer, int value,
                    std::size_t bytes) {
  return call_in_context(function, current_device(), [&](World& world, Device& device) {
    return fill_memory(world, device, stream, pointer, value, bytes, false);
  });
}

}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaMemcpy(void* destination, const void* source, std::size_t bytes,
                       cudaMemcpyKind kind) {
  return copy_in(Function::Memcpy, cudaStreamLegacy, destination, source, bytes, kind);
}

cudaError_t cudaMemcpyAsync(void* destination, const void* source, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  return call_in_context(
      Function::MemcpyAsync, device_of(stream), [&](World& world, Device& device) {
        return copy_memory(world, device, stream, destination, source, bytes, kind, true);
      });
}

cudaError_t cudaMemset(void* pointer, int value, std::size_t bytes) {
  return fill_in(Function::Memset, cudaStreamLegacy, pointer, value, bytes);
}

cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  return call_in_context(Function::MemsetAsync, device_of(stream),
                         [&](World& world, Device& device) {
                           return fill_memory(world, device, stream, pointer, value, bytes, true);
                         });
}

cudaError_t cudaMemcpyPeer(void* destination, int to, const void* source, int from,
                           std::size_t bytes) {
  return call_in_context(Function::MemcpyPeer, current_device(), [&](World& world, Device& device) {
    const PeerCopy copy{destination, to, source, from, bytes};
    const cudaError_t error = refused(world, copy);
    if (error == cudaSuccess && bytes != 0) copy_between(world, device, copy);
    return error;
  });
}

cudaError_t cudaMemcpyPeerAsync(void* destination, int to, const void* source, int from,
                                std::size_t bytes, cudaStream_t handle) {
  return call_in_context(
      Function::MemcpyPeerAsync, device_of(handle), [&](World& world, Device& device) {
        const auto stream = resolve(world, handle);
        if (!stream) return cudaErrorInvalidResourceHandle;
        const cudaError_t error = refused(world, {destination, to, source, from, bytes});
        if (error != cudaSuccess || bytes == 0) return error;
        enqueue_copy(world, device, *stream,
                     {destination, source, bytes, side_of(world, destination, bytes),
                      side_of(world, source, bytes)});
        return cudaSuccess;
      });
}

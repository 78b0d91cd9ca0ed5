// Copies and fills, done by the streams' threads.
#include <cstring>
#include <vector>

#include "api.h"

namespace cuda_simulator {
namespace {

enum class Side { kPageable, kPinned, kDevice, kInvalid };

// kInvalid: the bytes begin in an allocation and end outside it, or the memory was freed.
Side side_of(World& world, const void* pointer, std::size_t bytes) {
  const auto region = world.addresses.find(pointer);
  if (!region) return Side::kPageable;
  const bool whole = region->pool ? region->pool->covers(pointer, bytes)
                                  : !region->claimed && world.addresses.covers(pointer, bytes);
  if (!whole) return Side::kInvalid;
  return region->kind == Region::Kind::kHost ? Side::kPinned : Side::kDevice;
}

bool matches(cudaMemcpyKind kind, Side destination, Side source) {
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind == cudaMemcpyDefault) return true;
  // Pinned memory is the host's, and within the device's reach.
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
  if (!stream) return unresolved(handle);
  if (bytes == 0) return cudaSuccess;
  if (destination == nullptr || source == nullptr) return cudaErrorInvalidValue;
  Copy copy{destination, source, bytes, side_of(world, destination, bytes),
            side_of(world, source, bytes)};
  if (copy.to == Side::kInvalid || copy.from == Side::kInvalid ||
      !matches(kind, copy.to, copy.from)) {
    return cudaErrorInvalidValue;
  }
  const bool on_device = copy.to == Side::kDevice && copy.from == Side::kDevice;
  const bool on_host = copy.to != Side::kDevice && copy.from != Side::kDevice;
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
  if (!stream) return unresolved(handle);
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

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaMemcpy(void* destination, const void* source, std::size_t bytes,
                       cudaMemcpyKind kind) {
  return call_in_context(Function::Memcpy, current_device(), [&](World& world, Device& device) {
    return copy_memory(world, device, cudaStreamLegacy, destination, source, bytes, kind, false);
  });
}

cudaError_t cudaMemcpyAsync(void* destination, const void* source, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  return call_in_context(
      Function::MemcpyAsync, device_of(stream), [&](World& world, Device& device) {
        return copy_memory(world, device, stream, destination, source, bytes, kind, true);
      });
}

cudaError_t cudaMemset(void* pointer, int value, std::size_t bytes) {
  return call_in_context(Function::Memset, current_device(), [&](World& world, Device& device) {
    return fill_memory(world, device, cudaStreamLegacy, pointer, value, bytes, false);
  });
}

cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  return call_in_context(Function::MemsetAsync, device_of(stream),
                         [&](World& world, Device& device) {
                           return fill_memory(world, device, stream, pointer, value, bytes, true);
                         });
}

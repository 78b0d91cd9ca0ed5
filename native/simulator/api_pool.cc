// The stream-ordered memory allocator.
#include "api.h"

namespace cuda_simulator {
namespace {

cudaError_t allocate(World& world, const std::shared_ptr<MemoryPool>& pool, void** pointer,
                     std::size_t bytes, Stream& stream) {
  if (bytes == 0) {
    *pointer = nullptr;
    return cudaSuccess;
  }
  Device& device = *world.device(pool->device());
  StreamSet& streams = world.device(stream.device())->streams();
  const Reach reach = streams.reach(stream);
  void* memory = pool->allocate(bytes, stream, reach);
  if (memory == nullptr) {
    device.reclaim_from_pools();
    memory = pool->allocate(bytes, stream, reach);
  }
  if (memory == nullptr) {
    Marker after;
    memory = pool->allocate_after(bytes, after);
    if (memory != nullptr)
      streams.enqueue(stream, {.run = nullptr, .after = {after}, .instant = true});
  }
  if (memory == nullptr) return cudaErrorMemoryAllocation;
  *pointer = memory;
  return cudaSuccess;
}

// cudaMalloc's memory may be freed in stream order too.
bool free_region_in(World& world, Device& device, Stream& stream, const void* pointer) {
  const auto region = world.addresses.claim(pointer, Region::Kind::kDevice);
  if (!region) return false;
  device.streams().enqueue(
      stream,
      {.run = [&world, base = region->base](std::uint64_t) { world.free_device_region(base); },
       .instant = true});
  return true;
}

bool free_block_in(Device& device, const std::shared_ptr<MemoryPool>& pool,
                   const std::shared_ptr<Stream>& stream, const void* pointer) {
  const MemoryPool::Ticket ticket = pool->free_in(pointer, stream);
  if (ticket == 0) return false;
  const std::uint64_t sequence = device.streams().enqueue(
      *stream, {.run =
                    [pool, ticket, raw = stream.get()](std::uint64_t reached) {
                      pool->reached(ticket, raw->shared_from_this(), reached);
                    },
                .instant = true});
  pool->numbered(ticket, sequence);
  return true;
}

}  // namespace
}  // namespace cuda_simulator

using namespace cuda_simulator;

cudaError_t cudaMallocFromPoolAsync(void** pointer, std::size_t bytes, cudaMemPool_t pool_handle,
                                    cudaStream_t stream_handle) {
  return call_in_context(Function::MallocFromPoolAsync, device_of(pool_handle),
                         [&](World& world, Device&) {
                           if (!world.settings.memory_pools) return cudaErrorNotSupported;
                           const auto pool = world.pools.find(pool_handle);
                           if (pointer == nullptr || !pool) return cudaErrorInvalidValue;
                           const auto stream = resolve(world, stream_handle);
                           if (!stream) return cudaErrorInvalidResourceHandle;
                           Device& stream_device = *world.device(stream->device());
                           if (stream_device.error() != cudaSuccess) return stream_device.error();
                           return allocate(world, pool, pointer, bytes, *stream);
                         });
}

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t stream_handle) {
  return call_in_context(Function::MallocAsync, device_of(stream_handle),
                         [&](World& world, Device& device) {
                           if (!world.settings.memory_pools) return cudaErrorNotSupported;
                           if (pointer == nullptr) return cudaErrorInvalidValue;
                           const auto stream = resolve(world, stream_handle);
                           if (!stream) return cudaErrorInvalidResourceHandle;
                           const auto pool = world.pools.find(device.current_pool.load());
                           if (!pool) return cudaErrorInvalidValue;
                           return allocate(world, pool, pointer, bytes, *stream);
                         });
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream_handle) {
  return call_in_context(
      Function::FreeAsync, device_of_pointer(pointer), [&](World& world, Device& device) {
        if (!world.settings.memory_pools) return cudaErrorNotSupported;
        const auto stream = resolve(world, stream_handle);
        if (!stream) return cudaErrorInvalidResourceHandle;
        Device& stream_device = *world.device(stream->device());
        if (stream_device.error() != cudaSuccess) return stream_device.error();
        const auto region = world.addresses.find(pointer);
        const bool freed =
            region && (region->pool ? free_block_in(stream_device, region->pool, stream, pointer)
                                    : free_region_in(world, stream_device, *stream, pointer));
        if (!freed) {
          ledger_add(device.ledger().invalid_frees, 1);
          return cudaErrorInvalidValue;
        }
        return cudaSuccess;
      });
}

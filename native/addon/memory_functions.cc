// The counters of a device, read at once, and its clean-up, done on the device's thread.
#include <future>
#include <memory>
#include <utility>

#include "addon/callbacks.h"
#include "addon/convert.h"
#include "addon/environment.h"
#include "addon/functions.h"

namespace cuda_shutdown {

namespace {

#ifdef CUDA_SHUTDOWN_SIMULATED
constexpr bool ask_nvml = false;  // NVML would tell of real devices.
#else
constexpr bool ask_nvml = true;
#endif

// How long JavaScript waits for the reading thread of a device.
constexpr std::chrono::milliseconds reading_time{2000};

// Which of a device's threads: the one that reads is not kept waiting by long work, nor that by it.
enum class On { work, reading };

// Work with a result, as a job that tells JavaScript { outcome, failure?, … }.
// info: device, timeoutMs, settled
template <typename Result>
Napi::Value submit(const Napi::CallbackInfo& info,
                   std::function<Outcome(Device&, const Limits&, Result&)> work,
                   std::function<void(Napi::Env, const Result&, Napi::Object&)> describe,
                   On thread = On::work) {
  Device& device = device_from(info[0]);
  const Deadline deadline = deadline_from(info[1]);
  const auto callbacks =
      Callbacks::hold(Environment::of(info.Env()).mailbox, {function_from(info[2])});
  auto result = std::make_shared<Result>();
  Job::Work job = [&device, result, work = std::move(work)](const Limits& limits) {
    return work(device, limits, *result);
  };
  Job::Settled settled = [callbacks, result,
                          describe = std::move(describe)](const Settlement& settlement) {
    callbacks->settle(0, [=](Napi::Env env) -> std::vector<napi_value> {
      Napi::Object object = settlement_object(env, settlement);
      // Only then has the device's thread finished writing it.
      if (settlement.outcome == Outcome::done) describe(env, *result, object);
      return {object};
    });
  };
  const auto handle = thread == On::reading
                          ? device.submit_reading(std::move(job), std::move(settled), deadline)
                          : device.submit(std::move(job), std::move(settled), nullptr, deadline);
  return job_object(info.Env(), handle);
}

struct Nothing {};
void describe_nothing(Napi::Env, const Nothing&, Napi::Object&) {}

Napi::Value empty_cache_function(const Napi::CallbackInfo& info) {
  return submit<std::uint64_t>(
      info,
      [](Device& device, const Limits&, std::uint64_t& released) {
        released = empty_cache(device);
        return Outcome::done;
      },
      [](Napi::Env env, const std::uint64_t& released, Napi::Object& object) {
        object.Set("releasedBytes", number(env, released));
      });
}

Napi::Value synchronize_function(const Napi::CallbackInfo& info) {
  return submit<Nothing>(
      info,
      [](Device& device, const Limits& limits, Nothing&) { return synchronize(device, limits); },
      describe_nothing);
}

// For a clean-up, which a call that hangs must not keep from its other parts.
Napi::Value reset_peaks_on_device(const Napi::CallbackInfo& info) {
  return submit<Nothing>(
      info,
      [](Device& device, const Limits&, Nothing&) {
        reset_peak_memory_stats(device);
        return Outcome::done;
      },
      describe_nothing);
}

Napi::Value reset_device(const Napi::CallbackInfo& info) {
  return submit<Nothing>(
      info,
      [](Device& device, const Limits&, Nothing&) {
        device.reset();
        return Outcome::done;
      },
      describe_nothing);
}

Napi::Value read_memory_function(const Napi::CallbackInfo& info) {
  using Reading = std::optional<MemoryReading>;
  return submit<Reading>(
      info,
      [](Device& device, const Limits&, Reading& reading) {
        if (device.context().initialised()) reading = read_memory(device);
        return Outcome::done;
      },
      [](Napi::Env env, const Reading& reading, Napi::Object& object) {
        object.Set("reading", reading_object(env, reading));
      });
}

Napi::Value read_free_memory(const Napi::CallbackInfo& info) {
  return submit<MemoryReading>(
      info,
      [](Device& device, const Limits&, MemoryReading& reading) {
        reading = read_memory(device);
        return Outcome::done;
      },
      [](Napi::Env env, const MemoryReading& reading, Napi::Object& object) {
        object.Set("reading", reading_object(env, reading));
      },
      On::reading);
}

// NVML can hang (NVIDIA/open-gpu-kernel-modules#1333), which must keep no unload waiting.
Napi::Value process_memory_function(const Napi::CallbackInfo& info) {
  using Bytes = std::optional<ProcessMemory>;
  return submit<Bytes>(
      info,
      [](Device& device, const Limits&, Bytes& bytes) {
        bytes = process_memory(device, ask_nvml);
        return Outcome::done;
      },
      [](Napi::Env env, const Bytes& bytes, Napi::Object& object) {
        if (!bytes) return;
        object.Set("bytes", number(env, bytes->bytes));
        object.Set("source", bytes->from_nvml ? "nvml" : "device-delta");
      },
      On::reading);
}

Napi::Value mem_get_info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Device& device = device_from(info[0]);
  struct Answer {
    std::promise<Settlement> settled;
    MemoryReading reading;
  };
  const auto answer = std::make_shared<Answer>();
  auto settled = answer->settled.get_future();
  // On a thread of the device's own: on this one, the current device would have to be changed and
  // changed back, and setting it creates a context on the device that was current before.
  device.submit_reading(
      [&device, answer](const Limits&) {
        answer->reading = read_memory(device);
        return Outcome::done;
      },
      [answer](const Settlement& settlement) { answer->settled.set_value(settlement); },
      deadline_in(reading_time));
  const Settlement settlement = settled.get();
  if (settlement.error) throwing(env, [&] { std::rethrow_exception(settlement.error); });
  if (settlement.outcome != Outcome::done) {
    throw Napi::Error::New(env, "Expected cudaMemGetInfo on device " +
                                    std::to_string(device.index()) + " to answer within " +
                                    std::to_string(reading_time.count()) + " ms, got no answer");
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("free", number(env, answer->reading.free));
  object.Set("total", number(env, answer->reading.total));
  return object;
}

Napi::Value held_bytes(const Napi::CallbackInfo& info) {
  return number(info.Env(), device_from(info[0]).requests().read().bytes.current);
}

Napi::Value memory_stats_function(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Device& device = device_from(info[0]);
  const MemoryStats stats = throwing(env, [&] { return memory_stats(device); });
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&](const char* name, std::uint64_t value) {
    object.Set(name, number(env, value));
  };
  set("allocatedCurrent", stats.allocated.current);
  set("allocatedPeak", stats.allocated.peak);
  set("reservedCurrent", stats.reserved.current);
  set("reservedPeak", stats.reserved.peak);
  set("requestedCurrent", stats.requests.bytes.current);
  set("requestedPeak", stats.requests.bytes.peak);
  set("requestedAllocated", stats.requests.bytes.allocated);
  set("requestedFreed", stats.requests.bytes.freed);
  set("blocksCurrent", stats.requests.blocks.current);
  set("blocksPeak", stats.requests.blocks.peak);
  set("blocksAllocated", stats.requests.blocks.allocated);
  set("blocksFreed", stats.requests.blocks.freed);
  set("outOfMemory", stats.requests.out_of_memory);
  return object;
}

Napi::Value reset_peaks(const Napi::CallbackInfo& info) {
  Device& device = device_from(info[0]);
  throwing(info.Env(), [&] { reset_peak_memory_stats(device); });
  return info.Env().Undefined();
}

Napi::Value reset_accumulated(const Napi::CallbackInfo& info) {
  device_from(info[0]).requests().reset_accumulated();
  return info.Env().Undefined();
}

}  // namespace

void export_memory_functions(Napi::Env env, Napi::Object exports) {
  exports.Set("memGetInfo", Napi::Function::New(env, mem_get_info));
  exports.Set("heldBytes", Napi::Function::New(env, held_bytes));
  exports.Set("memoryStats", Napi::Function::New(env, memory_stats_function));
  exports.Set("resetPeaks", Napi::Function::New(env, reset_peaks_on_device));
  exports.Set("resetPeakMemoryStats", Napi::Function::New(env, reset_peaks));
  exports.Set("resetAccumulatedMemoryStats", Napi::Function::New(env, reset_accumulated));
  exports.Set("emptyCache", Napi::Function::New(env, empty_cache_function));
  exports.Set("synchronize", Napi::Function::New(env, synchronize_function));
  exports.Set("resetDevice", Napi::Function::New(env, reset_device));
  exports.Set("readMemory", Napi::Function::New(env, read_memory_function));
  exports.Set("readFreeMemory", Napi::Function::New(env, read_free_memory));
  exports.Set("processMemory", Napi::Function::New(env, process_memory_function));
}

}  // namespace cuda_shutdown

// The core's values as JavaScript ones, and back.
#pragma once

#include <napi.h>

#include <chrono>
#include <exception>
#include <optional>
#include <vector>

#include "core/memory.h"

namespace cuda_shutdown {

[[nodiscard]] Napi::Number number(Napi::Env env, std::uint64_t value);
// { kind, message, … } as NativeFailure in lib/native/addon.ts.
[[nodiscard]] Napi::Object failure_object(Napi::Env env, const std::exception_ptr& error);
// { outcome, failure? }
[[nodiscard]] Napi::Object settlement_object(Napi::Env env, const Settlement& settlement);
[[nodiscard]] Napi::Value reading_object(Napi::Env env,
                                         const std::optional<MemoryReading>& reading);

// What lib/ hands over is checked there. These are what keeps a mistake there from being more than
// an error: each throws a Napi::Error for what it cannot convert.

// `Infinity` is no deadline; at most 0 is over at once.
[[nodiscard]] Deadline deadline_from(const Napi::Value& timeout_ms);
// The device by its index. Throws Napi::RangeError for one that does not exist.
[[nodiscard]] Device& device_from(const Napi::Value& index);
[[nodiscard]] Napi::Function function_from(const Napi::Value& value);
// A copy: what JavaScript runs next may detach the array's memory.
[[nodiscard]] std::vector<std::uint64_t> sizes_from(const Napi::Value& float64s);

// Runs `body`, and throws what it throws as a JavaScript error with the failure's fields on it.
template <typename Body>
auto throwing(Napi::Env env, Body body) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& exception) {
    const Napi::Error error = Napi::Error::New(env, exception.what());
    error.Value().Set("failure", failure_object(env, std::current_exception()));
    throw error;
  }
}

}  // namespace cuda_shutdown

#include "addon/convert.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <system_error>

#include "core/file.h"
#include "core/runtime.h"

namespace cuda_shutdown {

namespace {

constexpr double max_safe_integer = 9'007'199'254'740'991;

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::done:
      return "done";
    case Outcome::failed:
      return "failed";
    case Outcome::interrupted:
      return "interrupted";
    case Outcome::stuck:
      return "stuck";
  }
  return "failed";
}

}  // namespace

Napi::Number number(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Object failure_object(Napi::Env env, const std::exception_ptr& error) {
  Napi::Object object = Napi::Object::New(env);
  try {
    std::rethrow_exception(error);
  } catch (const CudaException& exception) {
    const CudaFailure& failure = exception.failure();
    object.Set("kind", "cuda");
    object.Set("message", exception.what());
    object.Set("cudaCode", static_cast<int>(failure.code));
    object.Set("cudaName", cudaGetErrorName(failure.code));
    object.Set("call", failure.call);
    object.Set("device", failure.device);
    object.Set("sticky", failure.sticky());
  } catch (const std::system_error& exception) {
    object.Set("kind", "system");
    object.Set("message", exception.what());
    object.Set("errno", exception.code().value());
  } catch (const TruncatedFile& exception) {
    object.Set("kind", "truncated");
    object.Set("message", exception.what());
  } catch (const std::exception& exception) {
    object.Set("kind", "internal");
    object.Set("message", exception.what());
  } catch (...) {
    object.Set("kind", "internal");
    object.Set("message", "an unknown exception");
  }
  return object;
}

Napi::Object settlement_object(Napi::Env env, const Settlement& settlement) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("outcome", outcome_name(settlement.outcome));
  if (settlement.error) object.Set("failure", failure_object(env, settlement.error));
  return object;
}

Napi::Value reading_object(Napi::Env env, const std::optional<MemoryReading>& reading) {
  if (!reading) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("free", number(env, reading->free));
  object.Set("total", number(env, reading->total));
  object.Set("allocated", number(env, reading->allocated));
  object.Set("reserved", number(env, reading->reserved));
  return object;
}

Deadline deadline_from(const Napi::Value& timeout_ms) {
  const double ms = timeout_ms.As<Napi::Number>().DoubleValue();
  if (std::isnan(ms)) throw Napi::RangeError::New(timeout_ms.Env(), "Expected a time, got NaN");
  // Above this, milliseconds would overflow the clock's own count.
  constexpr double no_limit_ms = 1e12;
  if (ms >= no_limit_ms) return no_deadline;
  const double rounded = std::ceil(std::max(ms, 0.0));
  return deadline_in(std::chrono::milliseconds(static_cast<std::int64_t>(rounded)));
}

Device& device_from(const Napi::Value& index) {
  const int device = index.As<Napi::Number>().Int32Value();
  const int count = Runtime::instance().probe().device_count;
  if (device < 0 || device >= count) {
    throw Napi::RangeError::New(index.Env(), "Expected a device below " + std::to_string(count) +
                                                 ", got " + std::to_string(device));
  }
  return Runtime::instance().device(device);
}

Napi::Function function_from(const Napi::Value& value) {
  if (!value.IsFunction()) throw Napi::TypeError::New(value.Env(), "Expected a function");
  return value.As<Napi::Function>();
}

std::vector<std::uint64_t> sizes_from(const Napi::Value& float64s) {
  if (!float64s.IsTypedArray() ||
      float64s.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    throw Napi::TypeError::New(float64s.Env(), "Expected a Float64Array");
  }
  const auto array = float64s.As<Napi::Float64Array>();
  std::vector<std::uint64_t> sizes(array.ElementLength());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double size = array[i];
    // Not a number is neither.
    if (!(size >= 0 && size <= max_safe_integer)) {
      throw Napi::RangeError::New(float64s.Env(),
                                  "Expected sizes from 0 to 2^53 - 1, got " + std::to_string(size));
    }
    sizes[i] = static_cast<std::uint64_t>(size);
  }
  return sizes;
}

}  // namespace cuda_shutdown

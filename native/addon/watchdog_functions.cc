// The watchdog, word to the service manager, and the end of the process without anything behind it.
#include <unistd.h>

#include <algorithm>

#include "addon/convert.h"
#include "addon/functions.h"
#include "core/notify_socket.h"
#include "core/watchdog.h"

namespace cuda_shutdown {

namespace {

std::chrono::milliseconds milliseconds_from(const Napi::Value& value) {
  // A year serves as "no limit" to the watchdog, and keeps the conversion in range.
  constexpr double year = 365.0 * 24 * 60 * 60 * 1000;
  const double ms = value.As<Napi::Number>().DoubleValue();
  return std::chrono::milliseconds(static_cast<std::int64_t>(ms < year ? std::max(ms, 0.0) : year));
}

Napi::Value arm(const Napi::CallbackInfo& info) {
  const auto object = info[0].As<Napi::Object>();
  WatchdogOptions options;
  const auto signals = object.Get("signals").As<Napi::Array>();
  for (std::uint32_t i = 0; i < signals.Length(); ++i) {
    options.signals.push_back(signals.Get(i).As<Napi::Number>().Int32Value());
  }
  options.timeout = milliseconds_from(object.Get("timeoutMs"));
  options.duplicate_window = milliseconds_from(object.Get("duplicateMs"));
  options.second_signal_grace = milliseconds_from(object.Get("secondSignalGraceMs"));
  const Napi::Value once_from = object.Get("onceFrom");
  if (once_from.IsNumber()) options.once_from = once_from.As<Napi::Number>().Int32Value();
  throwing(info.Env(), [&] { Watchdog::instance().arm(options); });
  return info.Env().Undefined();
}

Napi::Value disarm(const Napi::CallbackInfo& info) {
  Watchdog::instance().disarm();
  return info.Env().Undefined();
}

Napi::Value begin(const Napi::CallbackInfo& info) {
  Watchdog::instance().begin(info[0].As<Napi::String>().Utf8Value());
  return info.Env().Undefined();
}

Napi::Value finish(const Napi::CallbackInfo& info) {
  Watchdog::instance().finish();
  return info.Env().Undefined();
}

Napi::Value arrival(const Napi::CallbackInfo& info) {
  const auto arrival = Watchdog::instance().arrival();
  if (!arrival) return info.Env().Undefined();
  const std::chrono::duration<double, std::milli> age = Clock::now() - arrival->at;
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("signal", arrival->signal);
  object.Set("ageMs", age.count());
  return object;
}

Napi::Value set_pending(const Napi::CallbackInfo& info) {
  Watchdog::instance().set_pending(info[0].As<Napi::String>().Utf8Value());
  return info.Env().Undefined();
}

Napi::Value set_journal_folder(const Napi::CallbackInfo& info) {
  Watchdog::instance().set_journal_folder(info[0].As<Napi::String>().Utf8Value());
  return info.Env().Undefined();
}

Napi::Value set_journal(const Napi::CallbackInfo& info) {
  throwing(info.Env(),
           [&] { Watchdog::instance().set_journal(info[0].As<Napi::Number>().Int32Value()); });
  return info.Env().Undefined();
}

Napi::Value decide(const Napi::CallbackInfo& info) {
  Watchdog::instance().decide(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

Napi::Value notify_socket_function(const Napi::CallbackInfo& info) {
  const std::string address = info[0].As<Napi::String>();
  const std::string text = info[1].As<Napi::String>();
  throwing(info.Env(), [&] { notify_socket(address, text); });
  return info.Env().Undefined();
}

Napi::Value exit_now(const Napi::CallbackInfo& info) {
  _exit(info[0].As<Napi::Number>().Int32Value());
}

}  // namespace

void export_watchdog_functions(Napi::Env env, Napi::Object exports) {
  Napi::Object watchdog = Napi::Object::New(env);
  watchdog.Set("arm", Napi::Function::New(env, arm));
  watchdog.Set("disarm", Napi::Function::New(env, disarm));
  watchdog.Set("begin", Napi::Function::New(env, begin));
  watchdog.Set("finish", Napi::Function::New(env, finish));
  watchdog.Set("arrival", Napi::Function::New(env, arrival));
  watchdog.Set("setPending", Napi::Function::New(env, set_pending));
  watchdog.Set("setJournalFolder", Napi::Function::New(env, set_journal_folder));
  watchdog.Set("setJournal", Napi::Function::New(env, set_journal));
  watchdog.Set("decide", Napi::Function::New(env, decide));
  exports.Set("watchdog", watchdog);
  exports.Set("notifySocket", Napi::Function::New(env, notify_socket_function));
  exports.Set("exitNow", Napi::Function::New(env, exit_now));
}

}  // namespace cuda_shutdown

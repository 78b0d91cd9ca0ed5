// Models: loading one, and the object that holds it.
#include <memory>
#include <mutex>
#include <utility>

#include "addon/callbacks.h"
#include "addon/convert.h"
#include "addon/environment.h"
#include "addon/functions.h"
#include "core/model_loader.h"
#include "core/model_reader.h"
#include "core/model_release.h"

namespace cuda_shutdown {

namespace {

// A model that JavaScript holds, and how many jobs of it are under way: a release must wait until
// those before it have come back (core/model.h), also the one after JavaScript has let go, which
// can be in the middle of one when a worker is terminated. Shared by the object and its jobs.
// Thread-safe.
class Holding {
 public:
  explicit Holding(Delivery& delivery) noexcept : model_(delivery.take()) {}
  [[nodiscard]] const std::shared_ptr<Model>& model() const { return model_; }

  void job_begins() {
    const std::lock_guard lock(mutex_);
    ++jobs_out_;
  }
  void job_came_back() {
    {
      const std::lock_guard lock(mutex_);
      if (--jobs_out_ > 0 || !let_go_) return;
    }
    abandon(model_);
  }
  void let_go() {
    {
      const std::lock_guard lock(mutex_);
      let_go_ = true;
      if (jobs_out_ > 0) return;
    }
    abandon(model_);
  }

 private:
  const std::shared_ptr<Model> model_;
  std::mutex mutex_;  // Guards what follows.
  std::size_t jobs_out_ = 0;
  bool let_go_ = false;
};

// What a tensor is read into, and JavaScript then owns. Memory of the job's own, because the
// environment may end while the device's thread still writes.
struct Bytes {
  explicit Bytes(std::size_t bytes)
      : memory(std::make_unique_for_overwrite<std::byte[]>(bytes)), length(bytes) {}
  std::unique_ptr<std::byte[]> memory;
  std::size_t length;

  [[nodiscard]] Napi::Value to_buffer(Napi::Env env) {
    auto* const data = reinterpret_cast<std::uint8_t*>(memory.get());
    const auto buffer = Napi::Buffer<std::uint8_t>::NewOrCopy(
        env, data, length,
        [](Napi::BasicEnv, std::uint8_t* owned) { delete[] reinterpret_cast<std::byte*>(owned); });
    static_cast<void>(memory.release());
    return buffer;
  }
};

// Holds a model for JavaScript. Collected, or ended with its worker, it has the model released.
class ModelObject : public Napi::ObjectWrap<ModelObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "NativeModel",
        {InstanceAccessor<&ModelObject::device>("device"),
         InstanceAccessor<&ModelObject::bytes>("bytes"),
         InstanceAccessor<&ModelObject::freed_bytes>("freedBytes"),
         InstanceAccessor<&ModelObject::freed_blocks>("freedBlocks"),
         InstanceAccessor<&ModelObject::lost>("lost"),
         InstanceMethod<&ModelObject::pointers>("pointers"),
         InstanceMethod<&ModelObject::held>("held"), InstanceMethod<&ModelObject::read>("read"),
         InstanceMethod<&ModelObject::release>("release")});
  }

  // Takes the model only once there is an object to hold it: in a worker that is being terminated
  // each of these calls may throw.
  static Napi::Object wrap(Napi::Env env, Delivery& delivery) {
    const auto handle = Napi::External<Delivery>::New(env, &delivery);
    return Environment::of(env).model_class.New({handle});
  }

  explicit ModelObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    if (info.Length() != 1 || !info[0].IsExternal()) {
      throw Napi::TypeError::New(info.Env(), "Expected models to be made by loadModel");
    }
    holding_ = std::make_shared<Holding>(*info[0].As<Napi::External<Delivery>>().Data());
  }

  void Finalize(Napi::BasicEnv env) override {
    const auto* environment = env.GetInstanceData<Environment>();
    if (!holding_) return;
    if (environment->is_main_thread && environment->ending) {
      // Leaked: the driver gives everything back, and CUDA calls could hang the end of the process.
      new std::shared_ptr<Holding>(std::move(holding_));
    } else {
      holding_->let_go();
    }
  }

 private:
  Napi::Value device(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), holding_->model()->device().index());
  }
  Napi::Value bytes(const Napi::CallbackInfo& info) {
    return number(info.Env(), holding_->model()->bytes());
  }
  Napi::Value freed_bytes(const Napi::CallbackInfo& info) {
    return number(info.Env(), holding_->model()->freed_bytes());
  }
  Napi::Value freed_blocks(const Napi::CallbackInfo& info) {
    return number(info.Env(), holding_->model()->freed_blocks());
  }
  Napi::Value lost(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), holding_->model()->device().context().lost());
  }

  Napi::Value pointers(const Napi::CallbackInfo& info) {
    const auto& tensors = holding_->model()->tensors();
    auto array = Napi::BigUint64Array::New(info.Env(), tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      array.Data()[i] = reinterpret_cast<std::uintptr_t>(tensors[i].pointer);
    }
    return array;
  }

  Napi::Value held(const Napi::CallbackInfo& info) {
    const auto held = holding_->model()->held();
    auto array = Napi::Uint32Array::New(info.Env(), held.size());
    for (std::size_t i = 0; i < held.size(); ++i) {
      array.Data()[i] = static_cast<std::uint32_t>(held[i]);
    }
    return array;
  }

  // info: tensor, timeoutMs, settled, returned
  Napi::Value read(const Napi::CallbackInfo& info) {
    const auto tensor = static_cast<std::size_t>(info[0].As<Napi::Number>().Int64Value());
    const auto& model = holding_->model();
    const auto bytes = throwing(info.Env(), [&] {
      return std::make_shared<Bytes>(static_cast<std::size_t>(model->tensors().at(tensor).bytes));
    });
    const Deadline deadline = deadline_from(info[1]);
    const auto callbacks = Callbacks::hold(Environment::of(info.Env()).mailbox,
                                           {function_from(info[2]), function_from(info[3])});
    holding_->job_begins();
    const auto handle = model->device().submit(
        [model, tensor, bytes](const Limits& limits) {
          return read_tensor(*model, tensor, bytes->memory.get(), limits) ? Outcome::done
                                                                          : Outcome::interrupted;
        },
        [callbacks, bytes, holding = holding_](const Settlement& settlement) {
          if (settlement.outcome != Outcome::stuck) holding->job_came_back();
          callbacks->settle(0, [=](Napi::Env env) -> std::vector<napi_value> {
            Napi::Object object = settlement_object(env, settlement);
            if (settlement.outcome == Outcome::done) object.Set("data", bytes->to_buffer(env));
            return {object};
          });
        },
        [callbacks, holding = holding_] {
          holding->job_came_back();
          callbacks->call(1, [](Napi::Env) -> std::vector<napi_value> { return {}; });
        },
        deadline);
    return job_object(info.Env(), handle);
  }

  // info: progress, settled, returned, convoy
  Napi::Value release(const Napi::CallbackInfo& info) {
    const auto callbacks =
        Callbacks::hold(Environment::of(info.Env()).mailbox,
                        {function_from(info[0]), function_from(info[1]), function_from(info[2])});
    holding_->job_begins();
    const auto handle = submit_release(
        holding_->model(),
        [callbacks](std::uint64_t freed_bytes, std::uint64_t freed_blocks) {
          callbacks->call(0, [=](Napi::Env env) -> std::vector<napi_value> {
            return {number(env, freed_bytes), number(env, freed_blocks)};
          });
        },
        [callbacks, holding = holding_](const ReleaseSettlement& release) {
          // Before JavaScript hears of it and begins the next.
          if (release.settlement.outcome != Outcome::stuck) holding->job_came_back();
          callbacks->settle(1, [release](Napi::Env env) -> std::vector<napi_value> {
            Napi::Object object = settlement_object(env, release.settlement);
            object.Set("begun", release.begun);
            object.Set("freedBytes", number(env, release.freed_bytes));
            object.Set("freedBlocks", number(env, release.freed_blocks));
            object.Set("before", reading_object(env, release.before));
            object.Set("after", reading_object(env, release.after));
            object.Set("exclusive", release.exclusive);
            return {object};
          });
        },
        [callbacks, holding = holding_] {
          holding->job_came_back();
          callbacks->call(2, [](Napi::Env) -> std::vector<napi_value> { return {}; });
        },
        no_deadline, info[3].IsNumber() ? info[3].As<Napi::Number>().Uint32Value() : 0);
    return job_object(info.Env(), handle);
  }

  std::shared_ptr<Holding> holding_;
};

LoadRequest request_from(const Napi::Object& object) {
  LoadRequest request;
  request.file = std::make_shared<File>(object.Get("fd").As<Napi::Number>().Int32Value());
  const auto offsets = sizes_from(object.Get("offsets"));
  const auto sizes = sizes_from(object.Get("sizes"));
  if (offsets.size() != sizes.size()) {
    throw Napi::RangeError::New(object.Env(), "Expected as many sizes as offsets");
  }
  request.tensors.reserve(offsets.size());
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    request.tensors.push_back({offsets[i], sizes[i]});
  }
  return request;
}

// info: request, progress, settled
Napi::Value load_model_function(const Napi::CallbackInfo& info) {
  const auto object = info[0].As<Napi::Object>();
  Device& device = device_from(object.Get("device"));
  auto request = throwing(info.Env(), [&] { return request_from(object); });
  const Deadline deadline = deadline_from(object.Get("timeoutMs"));
  const auto callbacks = Callbacks::hold(Environment::of(info.Env()).mailbox,
                                         {function_from(info[1]), function_from(info[2])});
  const auto handle = submit_load(
      device, std::move(request),
      [callbacks](std::uint64_t loaded) {
        callbacks->call(0, [loaded](Napi::Env env) -> std::vector<napi_value> {
          return {number(env, loaded)};
        });
      },
      [callbacks](const Settlement& settlement, const std::shared_ptr<Delivery>& delivery) {
        callbacks->settle(1, [=](Napi::Env env) -> std::vector<napi_value> {
          Napi::Object answer = settlement_object(env, settlement);
          if (delivery) answer.Set("model", ModelObject::wrap(env, *delivery));
          return {answer};
        });
      },
      nullptr, deadline);
  return job_object(info.Env(), handle);
}

}  // namespace

void export_model_functions(Napi::Env env, Napi::Object exports) {
  Environment::of(env).model_class = Napi::Persistent(ModelObject::define(env));
  exports.Set("loadModel", Napi::Function::New(env, load_model_function));
}

}  // namespace cuda_shutdown

// Models: loading one, and the object that holds it.
#include <memory>
#include <mutex>
#include <utility>

#include "addon/callbacks.h"
#include "addon/convert.h"
#include "addon/environment.h"
#include "addon/functions.h"
#include "core/model_loader.h"
#include "core/model_release.h"

namespace cuda_shutdown {

namespace {

// A model that JavaScript holds, and whether a release of it is under way: the next one must wait
// until that has come back (core/model.h), also the one after JavaScript has let go, which can be
// in its middle when a worker is terminated. Shared by the object and its releases. Thread-safe.
class Holding {
 public:
  explicit Holding(std::shared_ptr<Model> model) : model_(std::move(model)) {}
  [[nodiscard]] const std::shared_ptr<Model>& model() const { return model_; }

  void release_begins() {
    const std::lock_guard lock(mutex_);
    release_is_out_ = true;
  }
  void release_came_back() {
    {
      const std::lock_guard lock(mutex_);
      release_is_out_ = false;
      if (!let_go_) return;
    }
    abandon(model_);
  }
  void let_go() {
    {
      const std::lock_guard lock(mutex_);
      let_go_ = true;
      if (release_is_out_) return;
    }
    abandon(model_);
  }

 private:
  const std::shared_ptr<Model> model_;
  std::mutex mutex_;  // Guards what follows.
  bool release_is_out_ = false;
  bool let_go_ = false;
};

// Holds a model for JavaScript. Collected, or ended with its worker, it has the model released.
class ModelObject : public Napi::ObjectWrap<ModelObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "NativeModel",
                       {InstanceAccessor<&ModelObject::device>("device"),
                        InstanceAccessor<&ModelObject::bytes>("bytes"),
                        InstanceAccessor<&ModelObject::freed_bytes>("freedBytes"),
                        InstanceAccessor<&ModelObject::freed_blocks>("freedBlocks"),
                        InstanceAccessor<&ModelObject::lost>("lost"),
                        InstanceMethod<&ModelObject::release>("release")});
  }

  static Napi::Object wrap(Napi::Env env, std::shared_ptr<Model> model) {
    const auto handle = Napi::External<std::shared_ptr<Model>>::New(env, &model);
    return Environment::of(env).model_class.New({handle});
  }

  explicit ModelObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    if (info.Length() != 1 || !info[0].IsExternal()) {
      throw Napi::TypeError::New(info.Env(), "Expected models to be made by loadModel");
    }
    holding_ =
        std::make_shared<Holding>(*info[0].As<Napi::External<std::shared_ptr<Model>>>().Data());
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

  // info: progress, settled, returned
  Napi::Value release(const Napi::CallbackInfo& info) {
    const auto callbacks = Callbacks::hold(
        Environment::of(info.Env()).mailbox,
        {info[0].As<Napi::Function>(), info[1].As<Napi::Function>(), info[2].As<Napi::Function>()});
    holding_->release_begins();
    const auto handle = submit_release(
        holding_->model(),
        [callbacks](std::uint64_t freed_bytes, std::uint64_t freed_blocks) {
          callbacks->call(0, [=](Napi::Env env) -> std::vector<napi_value> {
            return {number(env, freed_bytes), number(env, freed_blocks)};
          });
        },
        [callbacks, holding = holding_](const ReleaseSettlement& release) {
          // Before JavaScript hears of it and begins the next.
          if (release.settlement.outcome != Outcome::stuck) holding->release_came_back();
          callbacks->settle(1, [release](Napi::Env env) -> std::vector<napi_value> {
            Napi::Object object = settlement_object(env, release.settlement);
            object.Set("freedBytes", number(env, release.freed_bytes));
            object.Set("freedBlocks", number(env, release.freed_blocks));
            object.Set("before", reading_object(env, release.before));
            object.Set("after", reading_object(env, release.after));
            object.Set("exclusive", release.exclusive);
            return {object};
          });
        },
        [callbacks, holding = holding_] {
          holding->release_came_back();
          callbacks->call(2, [](Napi::Env) -> std::vector<napi_value> { return {}; });
        });
    return job_object(info.Env(), handle);
  }

  std::shared_ptr<Holding> holding_;
};

LoadRequest request_from(const Napi::Object& object) {
  LoadRequest request;
  request.file = std::make_shared<File>(object.Get("fd").As<Napi::Number>().Int32Value());
  const auto offsets = object.Get("offsets").As<Napi::Float64Array>();
  const auto sizes = object.Get("sizes").As<Napi::Float64Array>();
  request.tensors.reserve(offsets.ElementLength());
  for (std::size_t i = 0; i < offsets.ElementLength(); ++i) {
    request.tensors.push_back(
        {static_cast<std::uint64_t>(offsets[i]), static_cast<std::uint64_t>(sizes[i])});
  }
  return request;
}

// A loaded model on its way to JavaScript. Where it never arrives, because the caller has given up
// or the environment has ended, it is released again.
class Delivery {
 public:
  ~Delivery() {
    if (model) abandon(model);
  }
  Delivery() = default;
  Delivery(const Delivery&) = delete;  // Owns the model until it is taken.
  Delivery& operator=(const Delivery&) = delete;

  std::shared_ptr<Model> model;
};

// info: request, progress, settled
Napi::Value load_model_function(const Napi::CallbackInfo& info) {
  const auto object = info[0].As<Napi::Object>();
  Device& device = device_from(object.Get("device"));
  auto request = throwing(info.Env(), [&] { return request_from(object); });
  const auto callbacks =
      Callbacks::hold(Environment::of(info.Env()).mailbox,
                      {info[1].As<Napi::Function>(), info[2].As<Napi::Function>()});
  const auto delivery = std::make_shared<Delivery>();
  const auto handle = device.submit(
      [&device, callbacks, delivery, request = std::move(request)](const Limits& limits) {
        delivery->model = load_model(device, request, limits, [&](std::uint64_t loaded) {
          callbacks->call(0, [loaded](Napi::Env env) -> std::vector<napi_value> {
            return {number(env, loaded)};
          });
        });
        return delivery->model ? Outcome::done : Outcome::interrupted;
      },
      [callbacks, delivery](const Settlement& settlement) {
        callbacks->settle(1, [=](Napi::Env env) -> std::vector<napi_value> {
          Napi::Object answer = settlement_object(env, settlement);
          if (settlement.outcome == Outcome::done) {
            const Napi::Object model = ModelObject::wrap(env, delivery->model);
            delivery->model = nullptr;
            answer.Set("model", model);
          }
          return {answer};
        });
      });
  return job_object(info.Env(), handle);
}

}  // namespace

void export_model_functions(Napi::Env env, Napi::Object exports) {
  Environment::of(env).model_class = Napi::Persistent(ModelObject::define(env));
  exports.Set("loadModel", Napi::Function::New(env, load_model_function));
}

}  // namespace cuda_shutdown

#include "core/model_loader.h"

#include <atomic>
#include <exception>
#include <utility>

#include "core/model_release.h"

namespace cuda_shutdown {

namespace {

// After a failure, which must not be hidden by a second one: what cannot be given back now is tried
// again in the background, and shows in the device's counts until then.
void give_back(const std::shared_ptr<Model>& model, const Limits& limits) noexcept {
  try {
    // The frees come behind the copies in the stream. Where that stands still, the second release
    // waits without asking the limits.
    if (!model->device().context().lost() &&
        model->release(limits.for_cleanup(give_back_time), nullptr) != Outcome::done) {
      model->release(Limits(), nullptr);
    }
  } catch (const std::exception&) {
  }
  abandon(model);
}

// False when the limits were over first.
bool fill(Model& model, Upload& upload, const LoadRequest& request, const Limits& limits,
          const LoadProgress& progress) {
  upload.read_ahead(limits);
  for (const Extent& tensor : request.tensors) {
    if (limits.over()) return false;
    model.add_block(tensor.bytes);
  }
  return upload.run(limits, progress);
}

// Null when the limits were over first.
std::shared_ptr<Model> try_to_load(Device& device, const LoadRequest& request, const Limits& limits,
                                   const LoadProgress& progress) {
  auto model = std::make_shared<Model>(device, request.tensors.size());
  Upload upload(*model, request.file, request.tensors);
  bool loaded = false;
  std::exception_ptr failure;
  try {
    loaded = fill(*model, upload, request, limits, progress);
  } catch (...) {
    failure = std::current_exception();
  }
  if (loaded) return model;
  upload.stop_reading(limits);
  give_back(model, limits);
  if (failure) std::rethrow_exception(failure);
  return nullptr;
}

// That a load waits in its lane: from its submission until it begins, or settles without that.
class Waiting {
 public:
  explicit Waiting(Device& device) : device_(device) { device.ring().load_waits(); }
  // Where it was never submitted.
  ~Waiting() { settle(); }
  Waiting(const Waiting&) = delete;  // Counts once.
  Waiting& operator=(const Waiting&) = delete;

  void begin() {
    if (!over_.exchange(true)) static_cast<void>(device_.ring().load_waits_no_more());
  }
  // Any thread: what was kept for this load is given back on the device's.
  void settle() noexcept {
    if (over_.exchange(true) || !device_.ring().load_waits_no_more()) return;
    try {
      device_.submit(
          [&device = device_](const Limits&) {
            device.context().make_current();
            device.ring().give_back();
            return Outcome::done;
          },
          [](const Settlement&) {});
    } catch (const std::exception&) {
      // No memory for a job: the next load or read gives it back.
    }
  }

 private:
  Device& device_;
  std::atomic<bool> over_{false};
};

}  // namespace

std::shared_ptr<Model> load_model(Device& device, const LoadRequest& request, const Limits& limits,
                                  const LoadProgress& progress) {
  try {
    auto model = try_to_load(device, request, limits, progress);
    device.ring().give_back();
    return model;
  } catch (...) {
    device.ring().give_back();
    throw;
  }
}

Delivery::~Delivery() {
  if (model_) abandon(model_);
}

JobHandle submit_load(Device& device, LoadRequest request, LoadProgress progress,
                      LoadSettled settled, Job::Returned returned, Deadline deadline) {
  // The thread that loads puts the model here before the job settles as done.
  const auto loaded = std::make_shared<std::shared_ptr<Delivery>>();
  const auto waiting = std::make_shared<Waiting>(device);
  auto work = [&device, loaded, request = std::move(request), progress = std::move(progress),
               waiting](const Limits& limits) {
    waiting->begin();
    // First, as a model that there is no delivery for would be lost.
    auto delivery = std::make_shared<Delivery>(nullptr);
    delivery->put(load_model(device, request, limits, progress));
    if (!*delivery) return Outcome::interrupted;
    *loaded = std::move(delivery);
    return Outcome::done;
  };
  auto report = [loaded, waiting, settled = std::move(settled)](const Settlement& settlement) {
    waiting->settle();
    settled(settlement, settlement.outcome == Outcome::done ? std::move(*loaded) : nullptr);
  };
  return device.submit(std::move(work), std::move(report), std::move(returned), deadline);
}

}  // namespace cuda_shutdown

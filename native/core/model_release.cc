#include "core/model_release.h"

#include <exception>
#include <mutex>
#include <utility>

namespace cuda_shutdown {

namespace {

// What the device's thread learns on the way, and the supervisor reads when that thread is stuck.
class Findings {
 public:
  explicit Findings(const Model& model)
      : freed_bytes_before_(model.freed_bytes()), freed_blocks_before_(model.freed_blocks()) {}

  void begin(Device& device) {
    const auto reading = try_read(device);
    const std::lock_guard lock(mutex_);
    begun_ = true;
    before_ = reading;
    replacements_ = device.lane().replacements();
    alone_ = device.lane().left_behind() == 0;
  }

  void end(Device& device) {
    const auto reading = try_read(device);
    const std::lock_guard lock(mutex_);
    after_ = reading;
    alone_ = alone_ && device.lane().replacements() == replacements_;
  }

  [[nodiscard]] ReleaseSettlement report(const Settlement& settlement, const Model& model) const {
    const std::lock_guard lock(mutex_);
    return {settlement,
            begun_,
            model.freed_bytes() - freed_bytes_before_,
            model.freed_blocks() - freed_blocks_before_,
            before_,
            after_,
            alone_};
  }

 private:
  // A reading is evidence, not a condition: the release goes on without it.
  static std::optional<MemoryReading> try_read(Device& device) {
    if (device.context().lost()) return std::nullopt;
    try {
      return read_memory(device);
    } catch (const CudaException&) {
      return std::nullopt;
    }
  }

  const std::uint64_t freed_bytes_before_;
  const std::uint64_t freed_blocks_before_;
  mutable std::mutex mutex_;  // Guards everything below.
  bool begun_ = false;
  std::optional<MemoryReading> before_;
  std::optional<MemoryReading> after_;
  std::size_t replacements_ = 0;
  bool alone_ = false;
};

void release_in_background(const std::shared_ptr<Model>& model, const Retries& retries,
                           std::optional<Clock::time_point> when) noexcept {
  auto work = [model](const Limits& limits) { return model->release(limits, nullptr); };
  // Not when the process ends: its runtime's refusal counts as done (Model::release).
  auto again = [model, retries](const Settlement& settlement) {
    if (settlement.outcome != Outcome::failed || retries.most == 0) return;
    if (model->device().context().lost()) return;
    release_in_background(model, {retries.most - 1, 2 * retries.first_pause},
                          Clock::now() + retries.first_pause);
  };
  try {
    if (when) {
      model->device().submit_at(*when, std::move(work), std::move(again));
    } else {
      model->device().submit(std::move(work), std::move(again));
    }
  } catch (const std::exception&) {
    // Without memory for a job there is none to try it with.
  }
}

}  // namespace

JobHandle submit_release(const std::shared_ptr<Model>& model, Model::Progress progress,
                         ReleaseSettled settled, Job::Returned returned, Deadline deadline,
                         Convoy convoy) {
  auto findings = std::make_shared<Findings>(*model);
  auto work = [model, findings, progress = std::move(progress)](const Limits& limits) {
    findings->begin(model->device());
    try {
      const Outcome outcome = model->release(limits, progress);
      findings->end(model->device());
      return outcome;
    } catch (...) {
      findings->end(model->device());
      throw;
    }
  };
  auto report = [model, findings, settled = std::move(settled)](const Settlement& settlement) {
    settled(findings->report(settlement, *model));
  };
  return model->device().submit(std::move(work), std::move(report), std::move(returned), deadline,
                                convoy);
}

void abandon(const std::shared_ptr<Model>& model, Retries retries) noexcept {
  if (model->released() || model->device().context().lost()) return;
  release_in_background(model, retries, std::nullopt);
}

}  // namespace cuda_shutdown

// The release of a model as a job: what it freed, and what the device says to that.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "core/memory.h"
#include "core/model.h"

namespace cuda_shutdown {

struct ReleaseSettlement {
  Settlement settlement;
  // False where it ended in the queue: nothing has happened to the model then.
  bool begun = false;
  // What this release freed.
  std::uint64_t freed_bytes = 0;
  std::uint64_t freed_blocks = 0;
  // The device before and after; nothing where it could not be read.
  std::optional<MemoryReading> before;
  std::optional<MemoryReading> after;
  // False when another thread of the device may have worked at the same time.
  bool exclusive = false;
};

using ReleaseSettled = std::function<void(const ReleaseSettlement&)>;

JobHandle submit_release(const std::shared_ptr<Model>& model, Model::Progress progress,
                         ReleaseSettled settled, Job::Returned returned,
                         Deadline deadline = no_deadline, Convoy convoy = 0);

// How often, and after which pauses, a release is tried again that has failed. Each pause is twice
// the one before it.
struct Retries {
  int most;
  std::chrono::milliseconds first_pause;
};
// Ten seconds in all: who fails for longer than that does not fail for a moment.
inline constexpr Retries background_retries{10, std::chrono::milliseconds(10)};

// For a model whose last owner is gone: releases it in the background. Tries again while that
// fails, until the device is lost or the tries are used up; what is held then shows in the device's
// counts.
void abandon(const std::shared_ptr<Model>& model, Retries retries = background_retries) noexcept;

}  // namespace cuda_shutdown

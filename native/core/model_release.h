// The release of a model as a job: what it freed, and what the device says to that.
#pragma once

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

// For a model whose last owner is gone: releases it in the background, whatever comes of it.
void abandon(const std::shared_ptr<Model>& model);

}  // namespace cuda_shutdown

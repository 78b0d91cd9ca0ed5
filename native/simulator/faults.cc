#include "faults.h"

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace cuda_simulator {

void Faults::add(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  rules_.push_back({fault});
  armed_[static_cast<std::size_t>(fault.function)] = true;
}

Faults::Matches Faults::match(Function function, int device) {
  Matches matches;
  if (!armed_[static_cast<std::size_t>(function)].load()) return matches;
  const std::lock_guard lock(mutex_);
  for (Rule& rule : rules_) {
    if (rule.fault.function != function) continue;
    if (rule.fault.device >= 0 && rule.fault.device != device) continue;
    ++rule.seen;
    if (rule.fault.nth == 0 || rule.fault.nth == rule.seen) matches.push_back(rule.fault);
  }
  return matches;
}

FaultAnswer Faults::act(const Matches& matches, Ticket ticket) {
  for (const Fault& fault : matches) {
    switch (fault.effect) {
      case Effect::kError:
        return {fault.code, false};
      case Effect::kSticky:
        return {fault.code, true};
      case Effect::kSlow:
        std::this_thread::sleep_for(*fault.duration);
        break;
      case Effect::kHang:
        hang(fault, ticket);
        break;
      case Effect::kAbort: {
        const std::string_view name = name_of(fault.function);
        std::fprintf(stderr, "cuda_simulator: abort in %.*s, as the fault asked\n",
                     static_cast<int>(name.size()), name.data());
        std::abort();
      }
    }
  }
  return {};
}

void Faults::hang(const Fault& fault, Ticket ticket) {
  std::unique_lock lock(hang_mutex_);
  const auto released = [&] { return generation_.load() != ticket; };
  if (fault.duration) {
    released_.wait_for(lock, *fault.duration, released);
  } else {
    released_.wait(lock, released);
  }
}

void Faults::release_hangs() {
  const std::lock_guard lock(hang_mutex_);
  ++generation_;
  released_.notify_all();
}

}  // namespace cuda_simulator

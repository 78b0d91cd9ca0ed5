// Faults: what a call answers, or does, instead of its work. State: one object per world.
//
// Grammar, comma-separated: function[#n][@device]=effect
//   effect: error:CODE | sticky:CODE | slow:MS | hang | hang:MS | abort
// `#n` is the n-th matching call since the fault was set (1-based); without it, every call.
// All faults that match a call act, in the order in which they were set, until one answers an
// error.
//
// Threads: any. `mutex_` guards rules_ and their counters; it is never held while a call is slow or
// hangs, nor together with another lock.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "functions.h"

namespace cuda_simulator {

enum class Effect { kError, kSticky, kSlow, kHang, kAbort };

struct Fault {
  Function function{};
  std::uint64_t nth = 0;  // 0: every call
  int device = -1;        // -1: any
  Effect effect = Effect::kError;
  int code = 0;
  std::optional<std::chrono::milliseconds> duration;  // none with hang: for ever
};

// Throws BadSetting, also for unknown functions and codes, and devices that do not exist.
std::vector<Fault> parse_faults(std::string_view text, int devices);

struct FaultAnswer {
  int code = 0;  // 0: the call does its work
  bool sticky = false;
};

class Faults {
 public:
  using Matches = std::vector<Fault>;
  // Hangs that began before release_hangs() carry an older ticket, and end.
  using Ticket = std::uint64_t;

  void add(const Fault& fault);

  // Counts the call against each matching rule.
  Matches match(Function function, int device);
  Ticket ticket() const { return generation_.load(); }
  // May sleep, block or end the process. The ticket is taken before the call becomes visible in the
  // counts: who saw the call, and then releases, surely releases this hang.
  FaultAnswer act(const Matches& matches, Ticket ticket);

  void release_hangs();

 private:
  struct Rule {
    Fault fault;
    std::uint64_t seen = 0;
  };

  void hang(const Fault& fault, Ticket ticket);

  std::array<std::atomic<bool>, kFunctionCount> armed_{};  // spares the lock where no rule is set
  std::mutex mutex_;
  std::vector<Rule> rules_;

  std::mutex hang_mutex_;
  std::condition_variable released_;
  std::atomic<Ticket> generation_{0};  // written under hang_mutex_
};

}  // namespace cuda_simulator

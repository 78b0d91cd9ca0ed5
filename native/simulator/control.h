// The simulator from within the process, for C++ tests: its settings, faults, counts and ledger.
// No state of its own. Any thread may call; reset() only while no call of the runtime is under way,
// but for calls that hang: those end, and stay with the world they began in.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "ledger.h"
#include "settings.h"

namespace cuda_simulator {

// A new world: all devices, handles, memory, faults and counts begin anew. Bad settings are as
// those of the environment: one line on stderr, and every call answers
// cudaErrorInitializationError.
void reset(const Settings& settings);
void reset_from_environment();

// Adds faults (the grammar is in faults.h). `#n` counts from now. Throws BadSetting.
void inject(std::string_view faults);
// Lets the calls that hang now go on, as if they had only been slow. Faults stay set.
void release_hangs();

// Both throw std::invalid_argument for functions that the simulator does not have. A call counts
// from its entry on, before its faults act.
std::uint64_t calls(std::string_view function);
bool wait_for_call(std::string_view function, std::uint64_t n, std::chrono::milliseconds timeout);

// Whether the calling thread is inside a call of the runtime, or is one of the runtime's own: for
// tests that disturb what is not the runtime.
bool in_runtime() noexcept;

DeviceLedger ledger(int device);
std::uint64_t pinned_host_bytes();

}  // namespace cuda_simulator

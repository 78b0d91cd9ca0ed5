// An operator new that fails once. Process lifetime, any thread.
#pragma once

#include <cstdint>

namespace failing_new {

// The n-th allocation from now on, by whatever thread, throws std::bad_alloc; 1 is the next. Those
// inside the simulated runtime do not count.
void arm(std::uint64_t nth);
// Answers whether it has failed.
bool disarm();

}  // namespace failing_new

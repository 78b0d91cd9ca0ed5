// Answers for what is not simulated. Whatever the arguments are, they are the caller's to clean up,
// so one signature serves all; NVIDIA's header must not be included here, as it has the true ones.
namespace cuda_simulator {
int answer_not_simulated(const char* function) noexcept;  // library.cc
}

// NOLINTBEGIN(bugprone-reserved-identifier): the runtime's own names
#define X(name) \
  extern "C" int name() { return cuda_simulator::answer_not_simulated(#name); }
#include "not_simulated.inc"
#undef X
// NOLINTEND(bugprone-reserved-identifier)

// Between the simulator and the files of the shared library that cannot include CUDA's header.
#include "../api.h"

namespace cuda_simulator {

int answer_not_simulated(const char* function) noexcept;
int answer_not_simulated(const char* function) noexcept { return not_supported(function); }

}  // namespace cuda_simulator

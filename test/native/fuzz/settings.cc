// The simulator's settings as the environment says them, and sizes as `16GiB`.
#include "simulator/settings.h"

#include "fuzz.h"

namespace {

void set(const char* name, const std::string& value) {
  // A variable ends at its first zero.
  setenv(name, value.c_str(), 1);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  const std::string memory = input.ConsumeRandomLengthString();
  try {
    expect(cuda_simulator::parse_memory(memory) > 0, "some memory");
    expect(memory.find_first_not_of("0123456789KMGTiB") == std::string::npos,
           "a number and a unit");
  } catch (const cuda_simulator::BadSetting&) {
  }
  set("CUDA_SHUTDOWN_SIM_MEMORY", memory);
  set("CUDA_SHUTDOWN_SIM_DEVICES", input.ConsumeRandomLengthString());
  set("CUDA_SHUTDOWN_SIM_FAULTS", input.ConsumeRemainingBytesAsString());
  try {
    const auto settings = cuda_simulator::settings_from_environment();
    expect(settings.devices >= 0 && settings.devices <= cuda_simulator::Settings::kMaxDevices,
           "from 0 to 64 devices");
    expect(settings.memory > 0, "some memory");
  } catch (const cuda_simulator::BadSetting&) {
  }
  return 0;
}

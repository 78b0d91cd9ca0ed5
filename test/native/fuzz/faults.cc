// The faults' grammar: what is no fault is refused by name, and what is taken can be acted on.
#include "simulator/faults.h"

#include "fuzz.h"
#include "simulator/error_names.h"
#include "simulator/settings.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  const int devices = input.ConsumeIntegralInRange(0, cuda_simulator::Settings::kMaxDevices);
  const std::string text = input.ConsumeRemainingBytesAsString();
  try {
    for (const auto& fault : cuda_simulator::parse_faults(text, devices)) {
      using cuda_simulator::Effect;
      expect(fault.device >= -1 && fault.device < devices, "a device that there is");
      const bool answers = fault.effect == Effect::kError || fault.effect == Effect::kSticky;
      expect(answers == (fault.code != 0), "a code for what answers one");
      expect(!answers || cuda_simulator::error_text(fault.code) != nullptr, "a CUDA error");
      expect(fault.effect != Effect::kSlow || fault.duration.has_value(), "how slow it is");
    }
  } catch (const cuda_simulator::BadSetting& bad) {
    expect(std::string(bad.what()).starts_with("Expected "), "the shape of a message");
  }
  return 0;
}

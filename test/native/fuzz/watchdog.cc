// What the watchdog is told, in any order, while it is not armed: it keeps bounded texts.
#include "core/watchdog.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  auto& watchdog = cuda_shutdown::Watchdog::instance();
  while (input.remaining_bytes() > 0) {
    switch (input.ConsumeIntegralInRange(0, 5)) {
      case 0:
        watchdog.begin(input.ConsumeRandomLengthString());
        break;
      case 1:
        watchdog.set_pending(input.ConsumeRandomLengthString());
        break;
      case 2:
        watchdog.set_journal_folder(input.ConsumeRandomLengthString());
        break;
      case 3:
        watchdog.decide(input.ConsumeIntegral<int>());
        break;
      case 4:
        watchdog.finish();
        break;
      default:
        watchdog.disarm();
    }
  }
  watchdog.finish();
  expect(!watchdog.arrival(), "no signal to have arrived");
  return 0;
}

// Requests to the loader, as far as the addon lets them through: tensors anywhere, of any size
// below 2^53, overlapping, out of order, beyond the end. What is loaded is what the file holds, and
// whatever happens, nothing is left on the device.
#include <cuda_runtime_api.h>

#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

#include "content_file.h"
#include "core/model_loader.h"
#include "core/model_reader.h"
#include "core/runtime.h"
#include "simulator/control.h"

namespace {

using namespace cuda_shutdown;

constexpr std::uint64_t max_safe_integer = (1ULL << 53U) - 1;

Device& device() {
  static Device& only = [&]() -> Device& {
    cuda_simulator::reset({.devices = 1, .memory = 64U << 20U});
    Device& first = Runtime::instance().device(0);
    first.context().make_current();
    return first;
  }();
  return only;
}

std::vector<Extent> extents_from(FuzzedDataProvider& input, std::size_t file_size) {
  std::vector<Extent> extents;
  std::uint64_t end = 0;
  while (input.remaining_bytes() > 0 && extents.size() < 200) {
    const auto near = [&] { return input.ConsumeIntegralInRange<std::uint64_t>(0, file_size + 1); };
    const auto any = [&] {
      return input.ConsumeIntegralInRange<std::uint64_t>(0, max_safe_integer);
    };
    const int kind = input.ConsumeIntegralInRange(0, 9);
    // Mostly one behind the other, as files are.
    const std::uint64_t offset = kind < 7 ? end : kind < 9 ? near() : any();
    const std::uint64_t bytes = input.ConsumeIntegralInRange(0, 19) == 0 ? any() : near();
    extents.push_back({offset, bytes});
    end = std::min(offset + bytes, max_safe_integer);
  }
  return extents;
}

void expect_read_back(Model& model, const std::vector<Extent>& extents,
                      const std::string& content) {
  for (std::size_t i = 0; i < extents.size(); ++i) {
    std::vector<std::byte> bytes(extents[i].bytes);
    expect(read_tensor(model, i, bytes.data(), Limits()), "no limit");
    expect(bytes.empty() ||
               std::memcmp(bytes.data(), content.data() + extents[i].offset, bytes.size()) == 0,
           "what the file holds");
  }
}

void expect_nothing_held() {
  // What a failed load could not give back at once is given back on the device's thread.
  for (int turn = 0; turn < 5000 && cuda_simulator::ledger(0).used_bytes > 0; ++turn) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const auto ledger = cuda_simulator::ledger(0);
  expect(ledger.used_bytes == 0 && ledger.live_allocations == 0, "nothing to be held");
  expect(ledger.invalid_frees == 0, "no invalid free");
  expect(cuda_simulator::pinned_host_bytes() == 0, "no pinned memory");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  const ContentFile& file = ContentFile::chosen_by(input);
  const auto extents = extents_from(input, file.content().size());
  const LoadRequest request{std::make_shared<File>(file.descriptor()), extents};
  const bool there = std::all_of(extents.begin(), extents.end(), [&](const Extent& extent) {
    return extent.bytes == 0 || (extent.offset <= file.content().size() &&
                                 extent.bytes <= file.content().size() - extent.offset);
  });
  try {
    const auto model = load_model(device(), request, Limits(), nullptr);
    expect(model != nullptr, "a model without a limit");
    expect(there, "an error for what is not there");
    expect_read_back(*model, extents, file.content());
    expect(model->release(Limits(), nullptr) == Outcome::done, "it to be freed");
  } catch (const CudaException& failure) {
    expect(failure.failure().code == cudaErrorMemoryAllocation, "no error but for too much");
  } catch (const TruncatedFile&) {
    expect(!there, "what is there to be loaded");
  } catch (const std::system_error&) {
    expect(!there, "what is there to be loaded");
  }
  expect_nothing_held();
  return 0;
}

// Files of known content, loads of them, and what must hold of the device then.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

#include "core/model_loader.h"
#include "fixture.h"
#include "simulator/world.h"
#include "temporary_file.h"

namespace cuda_shutdown {
// Bytes that do not repeat: what arrives at the wrong place is wrong.
inline std::string content_of(std::size_t length) {
  std::string content(length, '\0');
  std::mt19937_64 words(length);
  for (std::size_t i = 0; i < length; i += sizeof(std::uint64_t)) {
    const std::uint64_t word = words();
    std::memcpy(content.data() + i, &word, std::min(sizeof(word), length - i));
  }
  return content;
}

// One tensor behind the other, of these lengths.
inline std::vector<Extent> dense(const std::vector<std::uint64_t>& lengths) {
  std::vector<Extent> tensors;
  std::uint64_t offset = 0;
  for (const auto length : lengths) {
    tensors.push_back({offset, length});
    offset += length;
  }
  return tensors;
}

// Whether a block on the device begins with these bytes: the simulator's pools are mapped here.
inline bool is_on_device(std::string_view bytes) {
  constexpr std::size_t alignment = 512;
  std::vector<cuda_simulator::Region> chunks;
  static_cast<void>(cuda_simulator::World::current().addresses.first([&](const auto& region) {
    if (region.kind != cuda_simulator::Region::Kind::kHost) chunks.push_back(region);
    return false;
  }));
  for (const auto& chunk : chunks) {
    for (std::size_t at = 0; at + bytes.size() <= chunk.mapped; at += alignment) {
      const auto* const start =
          reinterpret_cast<const char*>(chunk.base + at);  // NOLINT(performance-no-int-to-ptr)
      // Sanitizers look at all of what is compared, so little first.
      if (std::memcmp(start, bytes.data(), std::min<std::size_t>(bytes.size(), 16)) != 0) continue;
      if (std::memcmp(start, bytes.data(), bytes.size()) != 0) continue;
      std::string copy(bytes.size(), '\0');
      EXPECT_EQ(cudaMemcpy(copy.data(), start, copy.size(), cudaMemcpyDeviceToHost), cudaSuccess);
      return copy == bytes;
    }
  }
  return false;
}

class LoaderTest : public CoreTest {
 protected:
  struct Load {
    Callbacks callbacks;
    std::shared_ptr<std::shared_ptr<Model>> model = std::make_shared<std::shared_ptr<Model>>();
    JobHandle handle;
    // As Release::over.
    Settlement over() {
      const Settlement settlement = callbacks.settled();
      if (settlement.outcome == Outcome::stuck) callbacks.expect_return();
      return settlement;
    }
  };

  void write(std::string content) {
    content_ = std::move(content);
    file_ = std::make_unique<TemporaryFile>(content_);
  }

  Load submit(std::vector<Extent> tensors, LoadProgress progress = nullptr) {
    Load load;
    const LoadRequest request{std::make_shared<File>(file_->descriptor()), std::move(tensors)};
    load.handle = device().submit(
        [this, request, progress = std::move(progress), model = load.model](const Limits& limits) {
          *model = load_model(device(), request, limits, progress);
          return *model ? Outcome::done : Outcome::interrupted;
        },
        load.callbacks.on_settled(), load.callbacks.on_returned());
    return load;
  }

  std::shared_ptr<Model> load(std::vector<Extent> tensors, LoadProgress progress = nullptr) {
    auto load = submit(std::move(tensors), std::move(progress));
    const auto settlement = load.over();
    if (settlement.error) std::rethrow_exception(settlement.error);
    return *load.model;
  }

  // Loads, finds every tensor on the device, and gives it back.
  void expect_loads(const std::vector<Extent>& tensors) {
    const auto model = load(tensors);
    ASSERT_NE(model, nullptr);
    std::uint64_t bytes = 0;
    std::size_t missing = 0;
    for (const Extent& tensor : tensors) {
      bytes += tensor.bytes;
      const auto expected = std::string_view(content_).substr(tensor.offset, tensor.bytes);
      if (tensor.bytes > 0 && !is_on_device(expected)) ++missing;
    }
    EXPECT_EQ(missing, 0U);
    EXPECT_EQ(model->bytes(), bytes);
    EXPECT_EQ(cuda_simulator::ledger(0).used_bytes, bytes);
    EXPECT_EQ(cuda_simulator::pinned_host_bytes(), 0U);
    Release release(model);
    EXPECT_EQ(release.settled().settlement.outcome, Outcome::done);
    expect_nothing_held();
  }

  // After what the loader left to the background, also on a thread that was overtaken there.
  void expect_given_back() {
    on_device(device(), [] {});
    EXPECT_TRUE(becomes_true([this] { return device().lane().left_behind() == 0; }));
    expect_nothing_held();
    EXPECT_EQ(device().requests().read().blocks.current, 0U);
    EXPECT_EQ(device().requests().read().bytes.current, 0U);
  }

  std::string content_;
  std::unique_ptr<TemporaryFile> file_;
};

}  // namespace cuda_shutdown

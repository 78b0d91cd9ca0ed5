// Reading back: the bytes that were loaded, and nothing held afterwards, however it ends.
#include "core/model_reader.h"

#include "loader_fixture.h"

namespace cuda_shutdown {
namespace {

class ModelReaderTest : public LoaderTest {
 protected:
  struct Read {
    Callbacks callbacks;
    std::shared_ptr<std::string> into = std::make_shared<std::string>();
    JobHandle handle;
    Settlement over() {
      const Settlement settlement = callbacks.settled();
      if (settlement.outcome == Outcome::stuck) callbacks.expect_return();
      return settlement;
    }
  };

  Read submit_read(const std::shared_ptr<Model>& model, std::size_t tensor) {
    Read read;
    read.into->resize(model->tensors()[tensor].bytes);
    read.handle = device().submit(
        [model, tensor, into = read.into](const Limits& limits) {
          auto* const target = reinterpret_cast<std::byte*>(into->data());
          return read_tensor(*model, tensor, target, limits) ? Outcome::done : Outcome::interrupted;
        },
        read.callbacks.on_settled(), read.callbacks.on_returned());
    return read;
  }

  void expect_reads(const std::vector<Extent>& tensors) {
    const auto model = load(tensors);
    ASSERT_NE(model, nullptr);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      Read read = submit_read(model, i);
      EXPECT_EQ(read.over().outcome, Outcome::done);
      EXPECT_TRUE(*read.into == content_.substr(tensors[i].offset, tensors[i].bytes)) << i;
      EXPECT_EQ(cuda_simulator::pinned_host_bytes(), 0U);
    }
    Release(model).settled();
    expect_given_back();
  }

  std::shared_ptr<Model> loaded_model() {
    write(content_of(9 * MiB + 7));
    return load(dense({9 * MiB + 7}));
  }
};

TEST_F(ModelReaderTest, ReadsWhatWasLoaded) {
  write(content_of(11 * MiB));
  expect_reads(dense({0, 1, 999, PinnedChunk::bytes, PinnedChunk::bytes + 1, 5 * MiB + 3, 0}));
}

TEST_F(ModelReaderTest, ReadsWithoutPools) {
  begin({.memory_pools = false});
  write(content_of(6 * MiB));
  expect_reads(dense({1000, 5 * MiB}));
}

TEST_F(ModelReaderTest, MakesNoCallForAnEmptyTensor) {
  const auto model = model_of(1, 0);
  const auto calls = cuda_calls();
  Read read = submit_read(model, 0);
  EXPECT_EQ(read.over().outcome, Outcome::done);
  EXPECT_EQ(cuda_calls(), calls);
  Release(model).settled();
}

TEST_F(ModelReaderTest, IsCancelledAtAnyChunk) {
  for (const std::string call : {"cudaHostAlloc", "cudaMemcpyAsync", "cudaEventRecord"}) {
    for (int nth = 1; nth <= (call == "cudaHostAlloc" ? 2 : 4); ++nth) {
      begin({});
      const auto model = loaded_model();
      cuda_simulator::inject(call + "#" + std::to_string(nth) + "=hang");
      const auto before = cuda_simulator::calls(call);
      Read read = submit_read(model, 0);
      expect_call_after(call, before + static_cast<unsigned>(nth) - 1);
      read.handle.cancel();
      cuda_simulator::release_hangs();
      // With the fifth, the last, the rest may be there before it looks.
      EXPECT_TRUE(ended_early(read.over().outcome)) << call << nth;
      on_device(device(), [] {});
      EXPECT_EQ(cuda_simulator::pinned_host_bytes(), 0U);
      Release(model).settled();
      expect_given_back();
    }
  }
}

TEST_F(ModelReaderTest, HoldsNothingWhenACallFails) {
  for (const std::string call : {"cudaSetDevice", "cudaEventCreateWithFlags", "cudaHostAlloc",
                                 "cudaMemcpyAsync", "cudaEventRecord", "cudaEventQuery"}) {
    bool reached = true;
    for (int nth = 1; reached && nth < 9; ++nth) {
      begin({});
      const auto model = loaded_model();
      cuda_simulator::inject(call + "#" + std::to_string(nth) + "=error:1");
      Read read = submit_read(model, 0);
      const auto settlement = read.over();
      reached = settlement.outcome == Outcome::failed;
      EXPECT_TRUE(reached || nth > 1) << call;
      if (reached) {
        EXPECT_EQ(failure_of(settlement.error).call, call);
      }
      EXPECT_EQ(cuda_simulator::pinned_host_bytes(), 0U);
      Release(model).over();
      Release(model).over();
      expect_given_back();
      if (HasFailure()) FAIL() << call << nth;
    }
  }
}

TEST_F(ModelReaderTest, MakesNoCallAfterALoss) {
  const auto model = loaded_model();
  const auto frees = cuda_simulator::calls("cudaFreeHost");
  cuda_simulator::inject("cudaMemcpyAsync#2=sticky:719");
  Read read = submit_read(model, 0);
  EXPECT_STREQ(failure_of(read.over().error).call, "cudaMemcpyAsync");
  EXPECT_EQ(cuda_simulator::calls("cudaFreeHost"), frees);
}

TEST_F(ModelReaderTest, IsStuckWithAStreamThatStandsStillUntilItGoesOn) {
  const auto model = loaded_model();
  Gate gate;
  gate.hold(model->stream());
  const auto copies = cuda_simulator::calls("cudaMemcpyAsync");
  const auto frees = cuda_simulator::calls("cudaFreeHost");
  Read read = submit_read(model, 0);
  expect_call_after("cudaMemcpyAsync", copies + 1);
  read.handle.cancel();
  EXPECT_EQ(read.callbacks.settled().outcome, Outcome::stuck);
  EXPECT_EQ(cuda_simulator::calls("cudaFreeHost"), frees);
  gate.open();
  read.callbacks.expect_return();
  Release(model).settled();
  expect_given_back();
}

}  // namespace
}  // namespace cuda_shutdown

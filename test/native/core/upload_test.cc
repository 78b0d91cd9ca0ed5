// The way of a file's data through the pinned ring: what is reused, what is reported, and what
// happens where a read, a call or the stream does not come to its end.
#include "core/upload.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>

#include "loader_fixture.h"

namespace cuda_shutdown {
namespace {

// The stream that was made last: handles are numbers that grow.
cudaStream_t newest_stream() {
  for (auto handle = cuda_simulator::next_handle(); handle > 0; handle -= 0x10) {
    auto* const stream =
        reinterpret_cast<cudaStream_t>(handle);  // NOLINT(performance-no-int-to-ptr)
    if (cuda_simulator::World::current().streams.find(stream)) return stream;
  }
  throw std::runtime_error("Expected a stream, got none");
}

class UploadTest : public LoaderTest {
 protected:
  // Long enough for every chunk of the ring, and not a multiple of anything.
  static constexpr std::uint64_t length = 21 * MiB + 4097;

  UploadTest() { write(content_of(length)); }

  [[nodiscard]] std::vector<Extent> tensors() const { return dense({1000, 9 * MiB, 0, 12 * MiB}); }

  struct Submitted {
    std::promise<std::pair<Settlement, std::shared_ptr<Delivery>>> settled;
    std::future<std::pair<Settlement, std::shared_ptr<Delivery>>> answer = settled.get_future();
    JobHandle handle;
  };
  std::shared_ptr<Submitted> submit_one() {
    auto load = std::make_shared<Submitted>();
    load->handle = submit_load(
        device(), {std::make_shared<File>(file_->descriptor()), tensors()}, nullptr,
        [load](const Settlement& settlement, std::shared_ptr<Delivery> delivery) {
          load->settled.set_value({settlement, std::move(delivery)});
        },
        nullptr);
    return load;
  }

  // A load whose stream stands still before the first copy.
  Load submit_stalled(Gate& gate, LoadProgress progress = nullptr) {
    cuda_simulator::inject("cudaMallocFromPoolAsync#1=hang");
    auto load = submit(tensors(), std::move(progress));
    expect_call_after("cudaMallocFromPoolAsync", 0);
    gate.hold(newest_stream());
    cuda_simulator::release_hangs();
    expect_call_after("cudaEventQuery", 50);
    return load;
  }
};

TEST_F(UploadTest, TakesTheRingOverFromTheLoadBefore) {
  auto alone = submit_one();
  expect_soon(alone->answer).second.reset();
  const auto chunks = cuda_simulator::calls("cudaHostAlloc");
  EXPECT_EQ(cuda_simulator::pinned_host_bytes(), 0U);

  cuda_simulator::inject("cudaMemcpyAsync#1=hang");
  const auto calls = cuda_simulator::calls("cudaMemcpyAsync");
  auto first = submit_one();
  expect_call_after("cudaMemcpyAsync", calls);
  auto second = submit_one();
  cuda_simulator::release_hangs();
  expect_soon(first->answer).second.reset();
  expect_soon(second->answer).second.reset();
  EXPECT_EQ(cuda_simulator::calls("cudaHostAlloc"), 2 * chunks);
  expect_given_back();
}

TEST_F(UploadTest, GivesTheRingBackWhenTheLoadThatWaitsIsCancelled) {
  cuda_simulator::inject("cudaMemcpyAsync#1=hang");
  auto first = submit_one();
  expect_call_after("cudaMemcpyAsync", 0);
  Gate between;
  device().submit(
      [wait = between.wait()](const Limits&) {
        wait();
        return Outcome::done;
      },
      [](const Settlement&) {});
  auto second = submit_one();
  cuda_simulator::release_hangs();
  auto loaded = expect_soon(first->answer);
  between.expect_arrival();
  EXPECT_GT(cuda_simulator::pinned_host_bytes(), 0U);
  second->handle.cancel();
  EXPECT_EQ(expect_soon(second->answer).first.outcome, Outcome::interrupted);
  between.open();
  EXPECT_TRUE(becomes_true([] { return cuda_simulator::pinned_host_bytes() == 0; }));
  loaded.second.reset();
  expect_given_back();
}

TEST_F(UploadTest, ReleasesAModelThatNobodyTakes) {
  auto load = submit_one();
  EXPECT_EQ(expect_soon(load->answer).first.outcome, Outcome::done);
  load.reset();
  expect_given_back();
}

TEST_F(UploadTest, IsCancelledAtAnyChunk) {
  for (const std::string call :
       {"cudaHostAlloc", "cudaMemcpyAsync", "cudaEventRecord", "cudaEventQuery"}) {
    for (int nth = 1; nth <= 11; nth += 2) {
      begin({});
      cuda_simulator::inject(call + "#" + std::to_string(nth) + "=hang");
      const auto before = cuda_simulator::calls(call);
      auto load = submit(tensors());
      const auto reached = [&] {
        return cuda_simulator::calls(call) >= before + static_cast<unsigned>(nth) ||
               load.callbacks.is_settled();
      };
      EXPECT_TRUE(becomes_true(reached));
      load.handle.cancel();
      cuda_simulator::release_hangs();
      load.over();
      // Cancelled when all was there is too late.
      if (*load.model) Release(*load.model).settled();
      expect_given_back();
      if (HasFailure()) FAIL() << call << nth;
    }
  }
}

TEST_F(UploadTest, LoadsThroughSlowCalls) {
  for (const char* call : {"cudaHostAlloc", "cudaMemcpyAsync", "cudaEventQuery"}) {
    begin({});
    cuda_simulator::inject(std::string(call) + "=slow:3");
    expect_loads(tensors());
  }
}

TEST_F(UploadTest, MakesNoCallAfterALossAnywhere) {
  for (const std::string call :
       {"cudaHostAlloc", "cudaMemcpyAsync", "cudaEventRecord", "cudaEventQuery"}) {
    for (const char* nth : {"#1", "#3"}) {
      begin({});
      cuda_simulator::inject(call + nth + "=sticky:719");
      auto load = submit(tensors());
      EXPECT_STREQ(failure_of(load.over().error).call, call.c_str()) << nth;
      for (const char* end : {"cudaFreeAsync", "cudaFreeHost", "cudaEventDestroy"}) {
        EXPECT_EQ(cuda_simulator::calls(end), 0U) << end << " after " << call << nth;
      }
    }
  }
}

TEST_F(UploadTest, ReportsWhatHasArrivedOnly) {
  Gate gate;
  std::atomic<std::uint64_t> reported{0};
  auto load = submit_stalled(gate, [&](std::uint64_t bytes) { reported = bytes; });
  EXPECT_GT(cuda_simulator::calls("cudaMemcpyAsync"), 0U);
  EXPECT_EQ(reported.load(), 0U);
  gate.open();
  EXPECT_EQ(load.over().outcome, Outcome::done);
  Release(*load.model).settled();
  expect_given_back();
}

// cudaFreeHost would wait for the stream, and cannot be told to stop.
TEST_F(UploadTest, IsStuckWithAStreamThatStandsStillUntilItGoesOn) {
  Gate gate;
  auto load = submit_stalled(gate);
  load.handle.cancel();
  EXPECT_EQ(load.callbacks.settled().outcome, Outcome::stuck);
  EXPECT_EQ(cuda_simulator::calls("cudaFreeHost"), 0U);
  EXPECT_GT(cuda_simulator::pinned_host_bytes(), 0U);
  Callbacks other;
  device().submit([](const Limits&) { return Outcome::done; }, other.on_settled());
  EXPECT_EQ(other.settled().outcome, Outcome::done) << "the device has a new thread";
  EXPECT_FALSE(load.callbacks.is_returned());
  gate.open();
  load.callbacks.expect_return();
  EXPECT_EQ(*load.model, nullptr);
  expect_given_back();
}

TEST_F(UploadTest, SaysWhereTheFileEndedWhereverThatIs) {
  for (const std::uint64_t end : {0 * MiB, 999 * KiB, 2 * MiB, 5 * MiB + 1, 21 * MiB + 999}) {
    write(content_of(length));
    file_->truncate(end);
    try {
      load(tensors());
      FAIL() << end;
    } catch (const TruncatedFile& truncated) {
      EXPECT_NE(std::string(truncated.what()).find(" bytes at offset "), std::string::npos);
    }
    expect_given_back();
  }
}

TEST_F(UploadTest, ReadsAColdFile) {
  file_->drop_from_cache();
  expect_loads(tensors());
}

TEST_F(UploadTest, ReadsAFileThatIsCachedInPart) {
  file_->drop_from_cache();
  char page = 0;
  for (std::uint64_t at = 0; at < length; at += 700'000) {
    EXPECT_EQ(pread(file_->descriptor(), &page, 1, static_cast<off_t>(at)), 1);
  }
  expect_loads(tensors());
}

}  // namespace
}  // namespace cuda_shutdown

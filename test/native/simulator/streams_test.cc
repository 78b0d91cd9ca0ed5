#include <signal.h>

#include <atomic>
#include <thread>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class Streams : public SimulatorTest {};

// Appends its number to a list; streams that are ordered need no lock for it.
struct Note {
  std::vector<int>* list;
  int number;
  static void write(void* data) {
    const auto* note = static_cast<Note*>(data);
    note->list->push_back(note->number);
  }
};

// "The function will be called after currently enqueued work and will block work added after it."
TEST_F(Streams, RunWorkInTheOrderOfEnqueueing) {
  const cudaStream_t stream = make_stream();
  std::vector<int> list;
  std::vector<Note> notes;
  for (int i = 0; i < 100; ++i) notes.push_back({&list, i});
  for (Note& note : notes) ASSERT_EQ(cudaLaunchHostFunc(stream, &Note::write, &note), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  ASSERT_EQ(list.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(list[static_cast<std::size_t>(i)], i);
}

// "Returns cudaSuccess if all operations in stream have completed, or cudaErrorNotReady if not."
TEST_F(Streams, QueryAnswersNotReadyUntilTheWorkIsDone) {
  const cudaStream_t stream = make_stream();
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  Gate gate;
  gate.hold(stream);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
}

TEST_F(Streams, AreIndependentOfOneAnother) {
  const cudaStream_t held = make_stream();
  const cudaStream_t other = make_stream();
  Gate gate;
  gate.hold(held);
  std::vector<int> list;
  Note note{&list, 1};
  ASSERT_EQ(cudaLaunchHostFunc(other, &Note::write, &note), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(other), cudaSuccess);
  EXPECT_EQ(list.size(), 1U);
  EXPECT_EQ(cudaStreamQuery(held), cudaErrorNotReady);
}

// "Makes all future work submitted to stream wait for all work captured in event."
TEST_F(Streams, WaitForAnEventOfAnotherStream) {
  const cudaStream_t first = make_stream();
  const cudaStream_t second = make_stream();
  const cudaEvent_t event = make_event();
  std::vector<int> list;
  Note one{&list, 1};
  Note two{&list, 2};
  Gate gate;
  gate.hold(first);
  ASSERT_EQ(cudaLaunchHostFunc(first, &Note::write, &one), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, first), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(second, event, 0), cudaSuccess);
  ASSERT_EQ(cudaLaunchHostFunc(second, &Note::write, &two), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(second), cudaErrorNotReady);
  gate.open();
  ASSERT_EQ(cudaStreamSynchronize(second), cudaSuccess);
  EXPECT_EQ(list, (std::vector<int>{1, 2}));
}

// "the function will return immediately and the resources associated with stream will be released
// automatically once the device has completed all work in stream."
TEST_F(Streams, FinishTheirWorkAfterTheyAreDestroyed) {
  const cudaStream_t stream = make_stream();
  std::vector<int> list;
  Note note{&list, 1};
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaLaunchHostFunc(stream, &Note::write, &note), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorInvalidResourceHandle);
  EXPECT_TRUE(list.empty());
  gate.open();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(list.size(), 1U);
}

// cudaErrorInvalidResourceHandle: "This indicates that a resource handle passed to the API call was
// not valid."
TEST_F(Streams, RefuseWrongHandlesAndFlags) {
  const cudaStream_t stream = make_stream();
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamDestroy(nullptr), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamDestroy(cudaStreamLegacy), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamDestroy(cudaStreamPerThread), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamCreate(nullptr), cudaErrorInvalidValue);
  cudaStream_t unmade = nullptr;
  EXPECT_EQ(cudaStreamCreateWithFlags(&unmade, 2), cudaErrorInvalidValue);
  const cudaEvent_t event = make_event();
  EXPECT_EQ(cudaStreamSynchronize(reinterpret_cast<cudaStream_t>(event)),
            cudaErrorInvalidResourceHandle);
}

// "the legacy stream first waits on all blocking streams, the action is queued in the legacy
// stream, and then all blocking streams wait on the legacy stream" (stream synchronization
// behavior).
TEST_F(Streams, LegacyWaitsForEarlierWorkOfBlockingStreams) {
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  std::vector<int> list;
  Note note{&list, 1};
  Gate gate;
  gate.hold(blocking);
  ASSERT_EQ(cudaLaunchHostFunc(nullptr, &Note::write, &note), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(nullptr), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(cudaStreamLegacy), cudaSuccess);
  EXPECT_EQ(list.size(), 1U);
}

// "the legacy stream first waits on all blocking streams, the action is queued in the legacy
// stream, and then all blocking streams wait on the legacy stream" (stream synchronization
// behavior)
TEST_F(Streams, BlockingStreamsWaitForEarlierWorkOfLegacy) {
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  std::vector<int> list;
  Note note{&list, 1};
  Gate gate;
  gate.hold(nullptr);
  ASSERT_EQ(cudaLaunchHostFunc(blocking, &Note::write, &note), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(blocking), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(blocking), cudaSuccess);
  EXPECT_EQ(list.size(), 1U);
}

// "the legacy stream first waits on all blocking streams, the action is queued in the legacy
// stream, and then all blocking streams wait on the legacy stream" (stream synchronization
// behavior)
TEST_F(Streams, LegacyQueryWaitsForBlockingStreamsToo) {
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  Gate gate;
  gate.hold(blocking);
  EXPECT_EQ(cudaStreamQuery(nullptr), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(blocking), cudaSuccess);
}

// cudaStreamNonBlocking: "Stream does not synchronize with stream 0 (the NULL stream)"
TEST_F(Streams, NonBlockingStreamsAndLegacyDoNotWaitForOneAnother) {
  const cudaStream_t free = make_stream(cudaStreamNonBlocking);
  Gate legacy;
  legacy.hold(nullptr);
  std::vector<int> list;
  Note note{&list, 1};
  ASSERT_EQ(cudaLaunchHostFunc(free, &Note::write, &note), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(free), cudaSuccess);
  legacy.open();
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);

  Gate gate;
  gate.hold(free);
  ASSERT_EQ(cudaLaunchHostFunc(nullptr, &Note::write, &note), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(list.size(), 2U);
}

// "Blocks until the device has completed all preceding requested tasks."
TEST_F(Streams, DeviceSynchronizeWaitsForAllOfThem) {
  std::atomic<int> done{0};
  const auto count = [](void* data) { ++*static_cast<std::atomic<int>*>(data); };
  for (int i = 0; i < 8; ++i) {
    const cudaStream_t stream = make_stream(i % 2 == 0 ? cudaStreamDefault : cudaStreamNonBlocking);
    for (int j = 0; j < 10; ++j) ASSERT_EQ(cudaLaunchHostFunc(stream, count, &done), cudaSuccess);
  }
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(done, 80);
}

TEST_F(Streams, KeepTheProcesssSignalsOffTheirThreads) {
  const cudaStream_t stream = make_stream();
  bool blocked = false;
  const auto look = [](void* data) {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    *static_cast<bool*>(data) = sigismember(&mask, SIGTERM) == 1;
  };
  ASSERT_EQ(cudaLaunchHostFunc(stream, look, &blocked), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_TRUE(blocked);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

TEST_F(Streams, TakeWorkFromManyThreads) {
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  const cudaStream_t free = make_stream();
  std::atomic<int> done{0};
  const auto count = [](void* data) { ++*static_cast<std::atomic<int>*>(data); };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const cudaStream_t streams[] = {blocking, free, nullptr};
      for (int j = 0; j < 200; ++j) {
        EXPECT_EQ(cudaLaunchHostFunc(streams[(i + j) % 3], count, &done), cudaSuccess);
      }
      EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 800);
}

}  // namespace
}  // namespace cuda_simulator

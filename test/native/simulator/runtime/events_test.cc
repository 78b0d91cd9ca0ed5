// cudaEventElapsedTime and cudaEventRecordWithFlags.
#include <thread>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class RuntimeEvents : public RuntimeTest {
 protected:
  static cudaEvent_t make_timed() {
    cudaEvent_t event = nullptr;
    EXPECT_EQ(cudaEventCreate(&event), cudaSuccess);
    return event;
  }
};

// "Computes the elapsed time between two events (in milliseconds with a resolution of around 0.5
// microseconds)."
TEST_F(RuntimeEvents, HaveTimeBetweenThem) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t start = make_timed();
  const cudaEvent_t end = make_timed();
  ASSERT_EQ(cudaEventRecord(start, stream), cudaSuccess);
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_EQ(cudaLaunchHostFunc(
                stream, [](void*) { std::this_thread::sleep_for(std::chrono::milliseconds(20)); },
                nullptr),
            cudaSuccess);
  ASSERT_EQ(cudaEventRecord(end, stream), cudaSuccess);
  ASSERT_EQ(cudaEventSynchronize(end), cudaSuccess);
  float elapsed = -1;
  ASSERT_EQ(cudaEventElapsedTime(&elapsed, start, end), cudaSuccess);
  EXPECT_GE(elapsed, 19.0F);
  const std::chrono::duration<float, std::milli> passed = std::chrono::steady_clock::now() - begun;
  EXPECT_LE(elapsed, passed.count() + 1000.0F);
}

TEST_F(RuntimeEvents, HaveNegativeTimeWhereTheyAreTheOtherWayAround) {
  const cudaEvent_t first = make_timed();
  const cudaEvent_t second = make_timed();
  ASSERT_EQ(cudaEventRecord(first, nullptr), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(second, nullptr), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  float elapsed = 1;
  ASSERT_EQ(cudaEventElapsedTime(&elapsed, second, first), cudaSuccess);
  EXPECT_LE(elapsed, 0.0F);
}

TEST_F(RuntimeEvents, HaveNoTimeBetweenOneAndItself) {
  const cudaEvent_t event = make_timed();
  ASSERT_EQ(cudaEventRecord(event, nullptr), cudaSuccess);
  ASSERT_EQ(cudaEventSynchronize(event), cudaSuccess);
  float elapsed = 1;
  ASSERT_EQ(cudaEventElapsedTime(&elapsed, event, event), cudaSuccess);
  EXPECT_EQ(elapsed, 0.0F);
}

// "If cudaEventRecord() has not been called on either event, then cudaErrorInvalidResourceHandle is
// returned."
TEST_F(RuntimeEvents, HaveNoTimeBeforeTheyAreRecorded) {
  const cudaEvent_t recorded = make_timed();
  const cudaEvent_t unrecorded = make_timed();
  ASSERT_EQ(cudaEventRecord(recorded, nullptr), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  float elapsed = 0;
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, recorded, unrecorded), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, unrecorded, recorded), cudaErrorInvalidResourceHandle);
}

// "If cudaEventRecord() has been called on both events but one or both of them has not yet been
// completed …, cudaErrorNotReady is returned."
TEST_F(RuntimeEvents, HaveNoTimeBeforeTheyAreComplete) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t start = make_timed();
  const cudaEvent_t end = make_timed();
  ASSERT_EQ(cudaEventRecord(start, stream), cudaSuccess);
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaEventRecord(end, stream), cudaSuccess);
  float elapsed = 0;
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, start, end), cudaErrorNotReady);
  gate.open();
  ASSERT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, start, end), cudaSuccess);
}

// "If either event was created with the cudaEventDisableTiming flag, then this function will return
// cudaErrorInvalidResourceHandle."
TEST_F(RuntimeEvents, HaveNoTimeWithoutTiming) {
  const cudaEvent_t timed = make_timed();
  const cudaEvent_t untimed = make_event();
  ASSERT_EQ(cudaEventRecord(timed, nullptr), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(untimed, nullptr), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  float elapsed = 0;
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, timed, untimed), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, untimed, timed), cudaErrorInvalidResourceHandle);
}

TEST_F(RuntimeEvents, NeedSomewhereToPutTheTime) {
  const cudaEvent_t event = make_timed();
  ASSERT_EQ(cudaEventRecord(event, nullptr), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(nullptr, event, event), cudaErrorInvalidValue);
}

TEST_F(RuntimeEvents, AreTimedWithBlockingSyncToo) {
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaEventCreateWithFlags(&event, cudaEventBlockingSync), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, nullptr), cudaSuccess);
  ASSERT_EQ(cudaEventSynchronize(event), cudaSuccess);
  float elapsed = 1;
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, event, event), cudaSuccess);
}

TEST_F(RuntimeEvents, ThatAreTimedCompleteInOrderWithTheirStream) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_timed();
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
}

// "Captures in event the contents of stream at the time of this call."
TEST_F(RuntimeEvents, AreRecordedWithFlags) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaEventRecordWithFlags(event, stream, cudaEventRecordDefault), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
}

// "cudaEventRecordWithFlags() can be called multiple times on the same event and will overwrite the
// previously captured state."
TEST_F(RuntimeEvents, AreOverwrittenByARecordWithFlags) {
  const cudaStream_t held = make_stream();
  const cudaStream_t idle = make_stream();
  const cudaEvent_t event = make_event();
  Gate gate;
  gate.hold(held);
  ASSERT_EQ(cudaEventRecordWithFlags(event, held, cudaEventRecordDefault), cudaSuccess);
  ASSERT_EQ(cudaEventRecordWithFlags(event, idle, cudaEventRecordDefault), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
}

TEST_F(RuntimeEvents, RefuseFlagsThatThereAreNot) {
  EXPECT_EQ(cudaEventRecordWithFlags(make_event(), make_stream(), 0x80), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamWaitEvent(make_stream(), make_event(), 0x80), cudaErrorInvalidValue);
}

// "Makes all future work submitted to stream wait for all work captured in event."
TEST_F(RuntimeEvents, MayBeWaitedForThroughAThirdStream) {
  const cudaStream_t first = make_stream();
  const cudaStream_t second = make_stream();
  const cudaStream_t third = make_stream();
  const cudaEvent_t one = make_event();
  const cudaEvent_t two = make_event();
  Gate gate;
  gate.hold(first);
  ASSERT_EQ(cudaEventRecord(one, first), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(second, one, 0), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(two, second), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(third, two, 0), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(third), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(third), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(one), cudaSuccess);
}

// "Before the first call to cudaEventRecord(), an event represents an empty set of work"
TEST_F(RuntimeEvents, HoldNobodyBackBeforeTheyAreRecorded) {
  const cudaStream_t stream = make_stream();
  ASSERT_EQ(cudaStreamWaitEvent(stream, make_event(), 0), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
}

TEST_F(RuntimeEvents, MayBeWaitedForInTheirOwnStream) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(stream, event, 0), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
}

// "cudaEventInterprocess must be specified along with cudaEventDisableTiming."
TEST_F(RuntimeEvents, BetweenProcessesHaveNoTiming) {
  cudaEvent_t event = nullptr;
  EXPECT_EQ(cudaEventCreateWithFlags(&event, cudaEventInterprocess), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace cuda_simulator

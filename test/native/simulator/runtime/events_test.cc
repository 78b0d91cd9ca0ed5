// cudaEventElapsedTime and cudaEventRecordWithFlags.
#include <limits>
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
  // Complete, too.
  static cudaEvent_t record(cudaEvent_t event) {
    EXPECT_EQ(cudaEventRecord(event, nullptr), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    return event;
  }
  // Milliseconds.
  static float between(cudaEvent_t start, cudaEvent_t end) {
    float elapsed = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(cudaEventElapsedTime(&elapsed, start, end), cudaSuccess);
    return elapsed;
  }
  static cudaError_t refusal(cudaEvent_t start, cudaEvent_t end) {
    float elapsed = 0;
    return cudaEventElapsedTime(&elapsed, start, end);
  }
  // Records the event in a stream that stands at the gate.
  void record_held(cudaEvent_t event, cudaStream_t stream) {
    gate_.hold(stream);
    ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  }

  Gate gate_;
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
  const float elapsed = between(start, end);
  EXPECT_GE(elapsed, 19.0F);
  const std::chrono::duration<float, std::milli> passed = std::chrono::steady_clock::now() - begun;
  EXPECT_LE(elapsed, passed.count() + 1000.0F);
}

TEST_F(RuntimeEvents, HaveNegativeTimeWhereTheyAreTheOtherWayAround) {
  const cudaEvent_t first = record(make_timed());
  const cudaEvent_t second = record(make_timed());
  EXPECT_LE(between(second, first), 0.0F);
}

TEST_F(RuntimeEvents, HaveNoTimeBetweenOneAndItself) {
  const cudaEvent_t event = record(make_timed());
  EXPECT_EQ(between(event, event), 0.0F);
}

// "If cudaEventRecord() has not been called on either event, then cudaErrorInvalidResourceHandle is
// returned."
TEST_F(RuntimeEvents, HaveNoTimeBeforeTheyAreRecorded) {
  const cudaEvent_t recorded = record(make_timed());
  const cudaEvent_t unrecorded = make_timed();
  EXPECT_EQ(refusal(recorded, unrecorded), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(refusal(unrecorded, recorded), cudaErrorInvalidResourceHandle);
}

// "If cudaEventRecord() has been called on both events but one or both of them has not yet been
// completed …, cudaErrorNotReady is returned."
TEST_F(RuntimeEvents, HaveNoTimeBeforeTheyAreComplete) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t start = record(make_timed());
  const cudaEvent_t end = make_timed();
  record_held(end, stream);
  EXPECT_EQ(refusal(start, end), cudaErrorNotReady);
  gate_.open();
  ASSERT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_GE(between(start, end), 0.0F);
}

// "If either event was created with the cudaEventDisableTiming flag, then this function will return
// cudaErrorInvalidResourceHandle."
TEST_F(RuntimeEvents, HaveNoTimeWithoutTiming) {
  const cudaEvent_t timed = record(make_timed());
  const cudaEvent_t untimed = record(make_event());
  EXPECT_EQ(refusal(timed, untimed), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(refusal(untimed, timed), cudaErrorInvalidResourceHandle);
}

// cudaErrorInvalidValue: "This indicates that one or more of the parameters passed to the API call
// is not within an acceptable range of values."
TEST_F(RuntimeEvents, NeedSomewhereToPutTheTime) {
  const cudaEvent_t event = record(make_timed());
  EXPECT_EQ(cudaEventElapsedTime(nullptr, event, event), cudaErrorInvalidValue);
}

// "cudaEventBlockingSync: Specifies that event should use blocking synchronization."
TEST_F(RuntimeEvents, AreTimedWithBlockingSyncToo) {
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaEventCreateWithFlags(&event, cudaEventBlockingSync), cudaSuccess);
  EXPECT_EQ(between(record(event), event), 0.0F);
}

// "Returns cudaSuccess if all captured work has been completed, or cudaErrorNotReady if any
// captured work is incomplete."
TEST_F(RuntimeEvents, ThatAreTimedCompleteInOrderWithTheirStream) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_timed();
  record_held(event, stream);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  gate_.open();
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
}

// "Captures in event the contents of stream at the time of this call."
TEST_F(RuntimeEvents, AreRecordedWithFlags) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  gate_.hold(stream);
  ASSERT_EQ(cudaEventRecordWithFlags(event, stream, cudaEventRecordDefault), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  gate_.open();
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
}

// "cudaEventRecordWithFlags() can be called multiple times on the same event and will overwrite the
// previously captured state."
TEST_F(RuntimeEvents, AreOverwrittenByARecordWithFlags) {
  const cudaStream_t held = make_stream();
  const cudaStream_t idle = make_stream();
  const cudaEvent_t event = make_event();
  gate_.hold(held);
  ASSERT_EQ(cudaEventRecordWithFlags(event, held, cudaEventRecordDefault), cudaSuccess);
  ASSERT_EQ(cudaEventRecordWithFlags(event, idle, cudaEventRecordDefault), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
}

// cudaErrorInvalidValue: "This indicates that one or more of the parameters passed to the API call
// is not within an acceptable range of values."
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
  record_held(one, first);
  ASSERT_EQ(cudaStreamWaitEvent(second, one, 0), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(two, second), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(third, two, 0), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(third), cudaErrorNotReady);
  gate_.open();
  EXPECT_EQ(cudaStreamSynchronize(third), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(one), cudaSuccess);
}

// "Before the first call to cudaEventRecord(), an event represents an empty set of work"
TEST_F(RuntimeEvents, HoldNobodyBackBeforeTheyAreRecorded) {
  const cudaStream_t stream = make_stream();
  ASSERT_EQ(cudaStreamWaitEvent(stream, make_event(), 0), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
}

// "Makes all future work submitted to stream wait for all work captured in event."
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

// "Uses of stream after this call do not modify event."
TEST_F(RuntimeEvents, AreNotOfTheWorkThatComesAfterThem) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  gate_.hold(stream);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
}

// "Other APIs such as cudaStreamWaitEvent() use the most recently captured state at the time of the
// API call, and are not affected by later calls to cudaEventRecord()."
TEST_F(RuntimeEvents, HoldBackWhatWaitedForThemBeforeTheyWereRecordedAnew) {
  const cudaStream_t held = make_stream();
  const cudaStream_t waiting = make_stream();
  const cudaStream_t idle = make_stream();
  const cudaEvent_t event = make_event();
  record_held(event, held);
  ASSERT_EQ(cudaStreamWaitEvent(waiting, event, 0), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, idle), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(waiting), cudaErrorNotReady);
  gate_.open();
  EXPECT_EQ(cudaStreamSynchronize(waiting), cudaSuccess);
}

}  // namespace
}  // namespace cuda_simulator

#include <thread>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class Events : public SimulatorTest {};

// "Before the first call to cudaEventRecord(), an event represents an empty set of work, so for
// example cudaEventQuery() would return cudaSuccess."
TEST_F(Events, AreCompleteBeforeTheFirstRecord) {
  const cudaEvent_t event = make_event();
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
}

// "Returns cudaSuccess if all captured work has been completed, or cudaErrorNotReady if any
// captured work is incomplete."
TEST_F(Events, CompleteWhenTheStreamReachesThem) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
}

// "Captures in event the contents of stream at the time of this call. … Uses of stream after this
// call do not modify event."
TEST_F(Events, DoNotWaitForWorkAfterTheRecord) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  Gate gate;
  gate.hold(stream);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
}

// "cudaEventRecord() can be called multiple times on the same event and will overwrite the
// previously captured state. … cudaStreamWaitEvent() use the most recently captured state at the
// time of the API call, and are not affected by later calls to cudaEventRecord()."
TEST_F(Events, AreOverwrittenButWaitsKeepWhatTheySaw) {
  const cudaStream_t first = make_stream();
  const cudaStream_t second = make_stream();
  const cudaStream_t waiting = make_stream();
  const cudaEvent_t event = make_event();
  ASSERT_EQ(cudaEventRecord(event, first), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(waiting, event, 0), cudaSuccess);
  Gate gate;
  gate.hold(second);
  ASSERT_EQ(cudaEventRecord(event, second), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamSynchronize(waiting), cudaSuccess);
}

// "An event may be destroyed before it is complete"
TEST_F(Events, MayBeDestroyedBeforeTheyAreComplete) {
  const cudaStream_t stream = make_stream();
  const cudaStream_t waiting = make_stream();
  const cudaEvent_t event = make_event();
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(waiting, event, 0), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(waiting), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(waiting), cudaSuccess);
}

TEST_F(Events, OutliveTheStreamTheyWereRecordedIn) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
}

// "the legacy stream first waits on all blocking streams, the action is queued in the legacy
// stream, and then all blocking streams wait on the legacy stream" (stream synchronization
// behavior)
TEST_F(Events, OfTheLegacyStreamCaptureBlockingStreams) {
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  const cudaEvent_t event = make_event();
  Gate gate;
  gate.hold(blocking);
  ASSERT_EQ(cudaEventRecord(event, nullptr), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(blocking), cudaSuccess);
}

// "event and stream must be on the same CUDA context." A wait may cross devices: "event may be from
// a different device than stream."
TEST_F(Events, AreRecordedOnTheirOwnDeviceAndWaitedForOnAny) {
  begin({.devices = 2});
  const cudaStream_t stream0 = make_stream();
  const cudaEvent_t event0 = make_event();
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  const cudaStream_t stream1 = make_stream();
  EXPECT_EQ(cudaEventRecord(event0, stream1), cudaErrorInvalidResourceHandle);
  Gate gate;
  gate.hold(stream0);
  ASSERT_EQ(cudaEventRecord(event0, stream0), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(stream1, event0, 0), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream1), cudaErrorNotReady);
  gate.open();
  EXPECT_EQ(cudaStreamSynchronize(stream1), cudaSuccess);
}

// "Waits until the completion of all work currently captured in event."
TEST_F(Events, WakeAThreadThatWaits) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  std::thread waiter([&] { EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess); });
  ASSERT_TRUE(wait_for_call("cudaEventSynchronize", 1, kPatience));
  gate.open();
  waiter.join();
}

// cudaErrorInvalidResourceHandle: "This indicates that a resource handle passed to the API call was
// not valid."
TEST_F(Events, RefuseWrongHandlesAndFlags) {
  const cudaEvent_t event = make_event();
  ASSERT_EQ(cudaEventDestroy(event), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecord(event, nullptr), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventSynchronize(nullptr), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventCreate(nullptr), cudaErrorInvalidValue);
  cudaEvent_t unmade = nullptr;
  EXPECT_EQ(cudaEventCreateWithFlags(&unmade, 0x100), cudaErrorInvalidValue);
  // "cudaEventInterprocess must be specified along with cudaEventDisableTiming."
  EXPECT_EQ(cudaEventCreateWithFlags(&unmade, cudaEventInterprocess), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace cuda_simulator

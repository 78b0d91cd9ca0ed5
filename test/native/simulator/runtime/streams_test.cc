// cudaStreamCreateWithPriority and what a stream tells of itself.
#include <set>
#include <thread>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class RuntimeStreams : public RuntimeTest {};

unsigned long long id_of(cudaStream_t stream) {
  unsigned long long id = 0;
  EXPECT_EQ(cudaStreamGetId(stream, &id), cudaSuccess);
  return id;
}

unsigned int flags_of(cudaStream_t stream) {
  unsigned int flags = 99;
  EXPECT_EQ(cudaStreamGetFlags(stream, &flags), cudaSuccess);
  return flags;
}

int priority_of(cudaStream_t stream) {
  int priority = 99;
  EXPECT_EQ(cudaStreamGetPriority(stream, &priority), cudaSuccess);
  return priority;
}

// "The Id is unique for the life of the program."
TEST_F(RuntimeStreams, HaveIdsOfTheirOwn) {
  std::set<unsigned long long> ids;
  for (int i = 0; i < 10; ++i) {
    const cudaStream_t stream = make_stream();
    ids.insert(id_of(stream));
    ASSERT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  }
  EXPECT_EQ(ids.size(), 10U);
}

// "The Id is unique for the life of the program."
TEST_F(RuntimeStreams, KeepTheirId) {
  const cudaStream_t stream = make_stream();
  EXPECT_EQ(id_of(stream), id_of(stream));
}

// "any of the special streams such as the NULL stream, cudaStreamLegacy and cudaStreamPerThread
// respectively."
TEST_F(RuntimeStreams, OfTheSpecialHandlesHaveIdsToo) {
  EXPECT_EQ(id_of(nullptr), id_of(cudaStreamLegacy));
  EXPECT_NE(id_of(cudaStreamPerThread), id_of(cudaStreamLegacy));
}

// "Returns … cudaErrorInvalidValue"
TEST_F(RuntimeStreams, NeedSomewhereToPutTheirId) {
  EXPECT_EQ(cudaStreamGetId(make_stream(), nullptr), cudaErrorInvalidValue);
}

// "Query the flags of a stream. The flags are returned in flags."
TEST_F(RuntimeStreams, TellTheFlagsTheyWereMadeWith) {
  EXPECT_EQ(flags_of(make_stream(cudaStreamNonBlocking)),
            static_cast<unsigned int>(cudaStreamNonBlocking));
  EXPECT_EQ(flags_of(make_stream(cudaStreamDefault)), static_cast<unsigned int>(cudaStreamDefault));
}

// "cudaStreamDefault: Default stream creation flag."
TEST_F(RuntimeStreams, OfCudaStreamCreateAreBlocking) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  EXPECT_EQ(flags_of(stream), static_cast<unsigned int>(cudaStreamDefault));
}

// "The flags are returned in flags."
TEST_F(RuntimeStreams, ThatAreDefaultHaveNoFlags) {
  EXPECT_EQ(flags_of(nullptr), 0U);
  EXPECT_EQ(flags_of(cudaStreamPerThread), 0U);
}

// cudaErrorInvalidValue: "This indicates that one or more of the parameters passed to the API call
// is not within an acceptable range of values."
TEST_F(RuntimeStreams, NeedSomewhereToPutTheirFlags) {
  EXPECT_EQ(cudaStreamGetFlags(make_stream(), nullptr), cudaErrorInvalidValue);
}

// "The range of meaningful stream priorities is given by [*greatestPriority, *leastPriority]."
// "lower numbers imply greater priorities."
TEST_F(RuntimeStreams, HaveARangeOfPriorities) {
  int least = 99;
  int greatest = 99;
  ASSERT_EQ(cudaDeviceGetStreamPriorityRange(&least, &greatest), cudaSuccess);
  EXPECT_LE(greatest, least);
  EXPECT_EQ(least, 0) << "0 represents default priority";
}

// "A NULL may be passed in for *leastPriority or *greatestPriority if the value is not desired."
TEST_F(RuntimeStreams, TellHalfOfTheRange) {
  int value = 99;
  EXPECT_EQ(cudaDeviceGetStreamPriorityRange(&value, nullptr), cudaSuccess);
  EXPECT_EQ(value, 0);
  EXPECT_EQ(cudaDeviceGetStreamPriorityRange(nullptr, &value), cudaSuccess);
  EXPECT_EQ(cudaDeviceGetStreamPriorityRange(nullptr, nullptr), cudaSuccess);
}

// "This function will return '0' in both … if the current context's device does not support stream
// priorities (see cudaDeviceGetAttribute)."
TEST_F(RuntimeStreams, HaveARangeWhereTheAttributeSaysSo) {
  int supported = 0;
  ASSERT_EQ(cudaDeviceGetAttribute(&supported, cudaDevAttrStreamPrioritiesSupported, 0),
            cudaSuccess);
  int greatest = 99;
  ASSERT_EQ(cudaDeviceGetStreamPriorityRange(nullptr, &greatest), cudaSuccess);
  EXPECT_EQ(greatest < 0, supported == 1);
}

// "'0' represents default priority."
TEST_F(RuntimeStreams, HaveTheDefaultPriority) {
  EXPECT_EQ(priority_of(make_stream()), 0);
  EXPECT_EQ(priority_of(nullptr), 0);
  EXPECT_EQ(priority_of(cudaStreamPerThread), 0);
}

// "Query the priority of a stream. The priority is returned in in priority."
TEST_F(RuntimeStreams, KeepThePriorityTheyWereMadeWith) {
  int greatest = 0;
  ASSERT_EQ(cudaDeviceGetStreamPriorityRange(nullptr, &greatest), cudaSuccess);
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, greatest), cudaSuccess);
  EXPECT_EQ(priority_of(stream), greatest);
  EXPECT_EQ(flags_of(stream), static_cast<unsigned int>(cudaStreamNonBlocking));
}

// "it will automatically be clamped to the lowest or the highest number in the range." "this
// function returns the clamped priority."
TEST_F(RuntimeStreams, HaveTheirPriorityClamped) {
  int least = 0;
  int greatest = 0;
  ASSERT_EQ(cudaDeviceGetStreamPriorityRange(&least, &greatest), cudaSuccess);
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithPriority(&stream, cudaStreamDefault, greatest - 100), cudaSuccess);
  EXPECT_EQ(priority_of(stream), greatest);
  ASSERT_EQ(cudaStreamCreateWithPriority(&stream, cudaStreamDefault, least + 100), cudaSuccess);
  EXPECT_EQ(priority_of(stream), least);
}

// "Returns cudaSuccess, cudaErrorInvalidValue"
TEST_F(RuntimeStreams, WithAPriorityNeedKnownFlagsAndAHandle) {
  cudaStream_t stream = nullptr;
  EXPECT_EQ(cudaStreamCreateWithPriority(nullptr, cudaStreamDefault, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamCreateWithPriority(&stream, 0x40, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamGetPriority(make_stream(), nullptr), cudaErrorInvalidValue);
}

// "Returns in *device the device of the stream."
TEST_F(RuntimeStreams, TellTheirDevice) {
  NEED_DEVICES(2);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  const cudaStream_t stream = make_stream();
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  int device = -1;
  ASSERT_EQ(cudaStreamGetDevice(stream, &device), cudaSuccess);
  EXPECT_EQ(device, 1);
  ASSERT_EQ(cudaStreamGetDevice(nullptr, &device), cudaSuccess);
  EXPECT_EQ(device, 0) << "a default stream is the current device's";
  EXPECT_EQ(cudaStreamGetDevice(stream, nullptr), cudaErrorInvalidValue);
}

// "cudaStreamCaptureStatusNone: The stream is not capturing."
TEST_F(RuntimeStreams, DoNotCapture) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;
  ASSERT_EQ(cudaStreamIsCapturing(make_stream(), &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  status = cudaStreamCaptureStatusActive;
  ASSERT_EQ(cudaStreamIsCapturing(nullptr, &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  EXPECT_EQ(cudaStreamIsCapturing(nullptr, nullptr), cudaErrorInvalidValue);
}

// "Sets the calling thread's stream capture interaction mode to the value contained in *mode, and
// overwrites *mode with the previous mode for the thread." "cudaStreamCaptureModeGlobal: This is
// the default mode."
TEST_F(RuntimeStreams, HaveACaptureModeForEachThread) {
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  ASSERT_EQ(cudaThreadExchangeStreamCaptureMode(&mode), cudaSuccess);
  EXPECT_EQ(mode, cudaStreamCaptureModeGlobal);
  std::thread([] {
    cudaStreamCaptureMode other = cudaStreamCaptureModeThreadLocal;
    ASSERT_EQ(cudaThreadExchangeStreamCaptureMode(&other), cudaSuccess);
    EXPECT_EQ(other, cudaStreamCaptureModeGlobal);
  }).join();
  ASSERT_EQ(cudaThreadExchangeStreamCaptureMode(&mode), cudaSuccess);
  EXPECT_EQ(mode, cudaStreamCaptureModeRelaxed);
}

// cudaErrorInvalidValue: "This indicates that one or more of the parameters passed to the API call
// is not within an acceptable range of values."
TEST_F(RuntimeStreams, RefuseCaptureModesThatThereAreNot) {
  auto mode = static_cast<cudaStreamCaptureMode>(3);
  EXPECT_EQ(cudaThreadExchangeStreamCaptureMode(&mode), cudaErrorInvalidValue);
  EXPECT_EQ(cudaThreadExchangeStreamCaptureMode(nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace cuda_simulator

// Handles that are null, of another kind, or destroyed. The real runtime answers some of these with
// a crash, so they are the simulator's only.
#include <dlfcn.h>

#include <atomic>

#include "fixture.h"

namespace cuda_simulator {
namespace {

class Handles : public SimulatorTest {
 protected:
  static cudaStream_t destroyed_stream() {
    const cudaStream_t stream = make_stream();
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    return stream;
  }
  static cudaEvent_t destroyed_event() {
    const cudaEvent_t event = make_event();
    EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
    return event;
  }
};

// "Returns … cudaErrorInvalidResourceHandle", each of them.
TEST_F(Handles, OfDestroyedStreamsAnswerNoQuestions) {
  const cudaStream_t stream = destroyed_stream();
  unsigned long long id = 0;
  unsigned int flags = 0;
  int number = 0;
  cudaStreamCaptureStatus status{};
  EXPECT_EQ(cudaStreamGetId(stream, &id), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamGetFlags(stream, &flags), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamGetPriority(stream, &number), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamGetDevice(stream, &number), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamIsCapturing(stream, &status), cudaErrorInvalidResourceHandle);
}

// cudaErrorInvalidResourceHandle: "This indicates that a resource handle passed to the API call was
// not valid."
TEST_F(Handles, OfDestroyedStreamsTakeNoWork) {
  const cudaStream_t stream = destroyed_stream();
  void* device = nullptr;
  void* managed = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 64), cudaSuccess);
  ASSERT_EQ(cudaMallocManaged(&managed, 64, cudaMemAttachGlobal), cudaSuccess);
  EXPECT_EQ(cudaMemsetAsync(device, 0, 64, stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaMemcpyAsync(device, managed, 64, cudaMemcpyDefault, stream),
            cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaMemcpyPeerAsync(device, 0, managed, 0, 64, stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamAttachMemAsync(stream, managed, 0, cudaMemAttachGlobal),
            cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaMemPrefetchAsync(managed, 64, {cudaMemLocationTypeDevice, 0}, 0, stream),
            cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamAddCallback(
                stream, [](cudaStream_t, cudaError_t, void*) {}, nullptr, 0),
            cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecordWithFlags(make_event(), stream, 0), cudaErrorInvalidResourceHandle);
}

TEST_F(Handles, OfDestroyedStreamsGiveNoMemory) {
  const cudaStream_t stream = destroyed_stream();
  void* pointer = nullptr;
  EXPECT_EQ(cudaMallocAsync(&pointer, 64, stream), cudaErrorInvalidResourceHandle);
  ASSERT_EQ(cudaMallocAsync(&pointer, 64, nullptr), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(pointer, stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaFreeAsync(pointer, nullptr), cudaSuccess) << "it was not freed";
}

// cudaErrorInvalidResourceHandle: "This indicates that a resource handle passed to the API call was
// not valid."
TEST_F(Handles, OfDestroyedEventsHaveNoTime) {
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaEventCreate(&event), cudaSuccess);
  float elapsed = 0;
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, event, destroyed_event()),
            cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, destroyed_event(), event),
            cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, nullptr, event), cudaErrorInvalidResourceHandle);
}

// cudaErrorInvalidResourceHandle: "This indicates that a resource handle passed to the API call was
// not valid."
TEST_F(Handles, OfDestroyedEventsAreNotWaitedFor) {
  EXPECT_EQ(cudaStreamWaitEvent(make_stream(), destroyed_event(), 0),
            cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamWaitEvent(make_stream(), nullptr, 0), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecordWithFlags(destroyed_event(), nullptr, 0),
            cudaErrorInvalidResourceHandle);
}

TEST_F(Handles, OfTwoDevicesEventsHaveNoTimeBetweenThem) {
  begin({.devices = 2});
  cudaEvent_t first = nullptr;
  cudaEvent_t second = nullptr;
  ASSERT_EQ(cudaEventCreate(&first), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(first, nullptr), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&second), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(second, nullptr), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  float elapsed = 0;
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, first, second), cudaErrorInvalidResourceHandle);
}

TEST_F(Handles, OfDestroyedPoolsGiveNoAccess) {
  const cudaMemPool_t pool = make_pool();
  ASSERT_EQ(cudaMemPoolDestroy(pool), cudaSuccess);
  cudaMemLocation where{cudaMemLocationTypeDevice, 0};
  cudaMemAccessFlags flags{};
  const cudaMemAccessDesc description{where, cudaMemAccessFlagsProtReadWrite};
  void* pointer = nullptr;
  EXPECT_EQ(cudaMemPoolGetAccess(&flags, pool, &where), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPoolSetAccess(pool, &description, 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemSetMemPool(&where, cudaMemAllocationTypePinned, pool), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMallocFromPoolAsync(&pointer, 1, pool, nullptr), cudaErrorInvalidValue);
}

// cudaMemcpyPeer names the device of each pointer.
TEST_F(Handles, OfAnotherDevicesMemoryAreNotThatDevices) {
  begin({.devices = 2});
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 64), cudaSuccess);
  EXPECT_EQ(cudaMemcpyPeer(pointer, 1, pointer, 0, 64), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyPeer(pointer, 0, pointer, 1, 64), cudaErrorInvalidValue);
}

// cudaStreamAddCallback: "In the event of a device error, all subsequently executed callbacks will
// receive an appropriate cudaError_t."
TEST_F(Handles, CallbacksAreToldOfADeviceThatWasLost) {
  const cudaStream_t stream = make_stream();
  std::promise<cudaError_t> told;
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaStreamAddCallback(
                stream,
                [](cudaStream_t, cudaError_t status, void* data) {
                  static_cast<std::promise<cudaError_t>*>(data)->set_value(status);
                },
                &told, 0),
            cudaSuccess);
  inject("cudaGetDeviceFlags=sticky:719");
  unsigned int flags = 0;
  ASSERT_EQ(cudaGetDeviceFlags(&flags), cudaErrorLaunchFailure);
  gate.open();
  auto answer = told.get_future();
  ASSERT_EQ(answer.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(answer.get(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaStreamAddCallback(
                stream, [](cudaStream_t, cudaError_t, void*) {}, nullptr, 0),
            cudaErrorLaunchFailure);
}

// "If the memory referred to by ptr cannot be accessed directly by the current device then this is
// NULL."
TEST_F(Handles, OfMemoryOutOfReachHaveNoDevicePointer) {
  begin({.devices = 2});
  void* pointer = nullptr;
  void* pooled = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 64), cudaSuccess);
  const cudaMemPool_t pool = make_pool();
  ASSERT_EQ(cudaMallocFromPoolAsync(&pooled, 64, pool, nullptr), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, pointer), cudaSuccess);
  EXPECT_EQ(attributes.device, 0);
  EXPECT_EQ(attributes.devicePointer, nullptr);
  ASSERT_EQ(cudaDeviceEnablePeerAccess(0, 0), cudaSuccess);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, pointer), cudaSuccess);
  EXPECT_EQ(attributes.devicePointer, pointer);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, pooled), cudaSuccess);
  EXPECT_EQ(attributes.devicePointer, nullptr) << "a pool's access is its own";
  const cudaMemAccessDesc description{{cudaMemLocationTypeDevice, 1},
                                      cudaMemAccessFlagsProtReadWrite};
  ASSERT_EQ(cudaMemPoolSetAccess(pool, &description, 1), cudaSuccess);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, pooled), cudaSuccess);
  EXPECT_EQ(attributes.devicePointer, pooled);
}

TEST_F(Handles, PinnedBytesAreCountedOfRegisteredMemoryToo) {
  std::vector<char> bytes(100);
  ASSERT_EQ(cudaHostRegister(bytes.data(), bytes.size(), cudaHostRegisterDefault), cudaSuccess);
  EXPECT_EQ(pinned_host_bytes(), 100U);
  ASSERT_EQ(cudaHostUnregister(bytes.data()), cudaSuccess);
  EXPECT_EQ(pinned_host_bytes(), 0U);
}

TEST_F(Handles, ManagedBytesTakeNoneOfTheDevicesMemory) {
  begin({.memory = kMiB});
  void* managed = nullptr;
  ASSERT_EQ(cudaMallocManaged(&managed, 8 * kMiB, cudaMemAttachGlobal), cudaSuccess)
      << "device memory oversubscription is possible";
  EXPECT_EQ(ledger(0).used_bytes, 8 * kMiB);
  EXPECT_EQ(ledger(0).reserved_bytes, 0U);
  ASSERT_EQ(cudaFree(managed), cudaSuccess);
  EXPECT_EQ(ledger(0).used_bytes, 0U);
}

#ifdef REAL_CUDART
// The names and sentences are those of NVIDIA's library, which needs no device to tell them.
TEST_F(Handles, ErrorsAreNamedAsTheRealRuntimeNamesThem) {
  void* real = dlopen(REAL_CUDART, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(real, nullptr) << dlerror();
  using Text = const char* (*)(cudaError_t);
  const auto name = reinterpret_cast<Text>(dlsym(real, "cudaGetErrorName"));
  const auto text = reinterpret_cast<Text>(dlsym(real, "cudaGetErrorString"));
  for (int code = 0; code <= 1023; ++code) {
    const auto error = static_cast<cudaError_t>(code);
    EXPECT_STREQ(cudaGetErrorName(error), name(error)) << code;
    EXPECT_STREQ(cudaGetErrorString(error), text(error)) << code;
  }
  dlclose(real);
}
#endif

}  // namespace
}  // namespace cuda_simulator

// Peer access, and copies between devices.
#include <cstring>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class Peers : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    if (IsSkipped()) return;
    NEED_DEVICES(2);
    int can = 0;
    ASSERT_EQ(cudaDeviceCanAccessPeer(&can, 0, 1), cudaSuccess);
    if (can == 0) GTEST_SKIP() << "the devices cannot access one another";
  }
  void TearDown() override {
    static_cast<void>(cudaSetDevice(1));
    static_cast<void>(cudaDeviceReset());
    static_cast<void>(cudaSetDevice(0));
    static_cast<void>(cudaDeviceReset());
  }
  static void* on(int device, std::size_t bytes) {
    void* pointer = nullptr;
    EXPECT_EQ(cudaSetDevice(device), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&pointer, bytes), cudaSuccess);
    EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
    return pointer;
  }
};

// "Returns in *canAccessPeer a value of 1 if device device is capable of directly accessing memory
// from peerDevice and 0 otherwise."
TEST_F(Peers, AreNotPeersOfThemselves) {
  int can = 9;
  ASSERT_EQ(cudaDeviceCanAccessPeer(&can, 0, 0), cudaSuccess);
  EXPECT_EQ(can, 0);
}

// cudaErrorInvalidDevice: "This indicates that the device ordinal supplied by the user does not
// correspond to a valid CUDA device"
TEST_F(Peers, AreDevicesThatThereAre) {
  int can = 9;
  EXPECT_EQ(cudaDeviceCanAccessPeer(&can, 0, 999), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceCanAccessPeer(&can, -1, 0), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceEnablePeerAccess(999, 0), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceDisablePeerAccess(999), cudaErrorInvalidDevice);
}

// "Returns cudaErrorPeerAccessAlreadyEnabled if direct access of peerDevice from the current device
// has already been enabled."
TEST_F(Peers, AreEnabledOnce) {
  EXPECT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaSuccess);
  EXPECT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaErrorPeerAccessAlreadyEnabled);
}

// "Returns cudaErrorPeerAccessNotEnabled if direct access to memory on peerDevice has not yet been
// enabled from the current device."
TEST_F(Peers, AreDisabledOnce) {
  EXPECT_EQ(cudaDeviceDisablePeerAccess(1), cudaErrorPeerAccessNotEnabled);
  ASSERT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaSuccess);
  EXPECT_EQ(cudaDeviceDisablePeerAccess(1), cudaSuccess);
  EXPECT_EQ(cudaDeviceDisablePeerAccess(1), cudaErrorPeerAccessNotEnabled);
  EXPECT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaSuccess);
}

// "Returns cudaErrorInvalidValue if flags is not 0."
TEST_F(Peers, AreEnabledWithoutFlags) {
  EXPECT_EQ(cudaDeviceEnablePeerAccess(1, 1), cudaErrorInvalidValue);
}

// "Returns cudaErrorInvalidDevice if cudaDeviceCanAccessPeer() indicates that the current device
// cannot directly access memory from peerDevice."
TEST_F(Peers, AreNotEnabledWhereTheyCannotBe) {
  EXPECT_EQ(cudaDeviceEnablePeerAccess(0, 0), cudaErrorInvalidDevice);
}

// "access granted by this call is unidirectional"
TEST_F(Peers, AreEnabledInOneDirection) {
  ASSERT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(cudaDeviceDisablePeerAccess(0), cudaErrorPeerAccessNotEnabled);
  EXPECT_EQ(cudaDeviceEnablePeerAccess(0, 0), cudaSuccess);
}

// "until … either device is reset using cudaDeviceReset()"
TEST_F(Peers, EndWithAResetOfEither) {
  ASSERT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaSuccess);
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  ASSERT_EQ(cudaFree(nullptr), cudaSuccess);
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaSuccess);
}

// cudaPointerGetAttributes: "If the memory referred to by ptr cannot be accessed directly by the
// current device then this is NULL."
TEST_F(Peers, HaveNoDevicePointerUntilTheyAreEnabled) {
  void* other = on(1, 64);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaSuccess);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, other), cudaSuccess);
  EXPECT_EQ(attributes.device, 1);
  EXPECT_EQ(attributes.devicePointer, other);
}

// "Returns cudaErrorInvalidDevice if srcDevice or dstDevice are not valid or if they represent the
// same device. Returns cudaErrorInvalidValue if attrib is not valid or if value is a null pointer."
TEST_F(Peers, TellOfTheirLink) {
  int value = -1;
  ASSERT_EQ(cudaDeviceGetP2PAttribute(&value, cudaDevP2PAttrAccessSupported, 0, 1), cudaSuccess);
  EXPECT_EQ(value, 1);
  ASSERT_EQ(cudaDeviceGetP2PAttribute(&value, cudaDevP2PAttrPerformanceRank, 0, 1), cudaSuccess);
  EXPECT_GE(value, 0);
  EXPECT_EQ(cudaDeviceGetP2PAttribute(&value, cudaDevP2PAttrAccessSupported, 0, 0),
            cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceGetP2PAttribute(&value, cudaDevP2PAttrAccessSupported, 0, 999),
            cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceGetP2PAttribute(&value, static_cast<cudaDeviceP2PAttr>(7), 0, 1),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceGetP2PAttribute(nullptr, cudaDevP2PAttrAccessSupported, 0, 1),
            cudaErrorInvalidValue);
}

// "On success, all allocations from peerDevice will immediately be accessible by the current
// device."
TEST_F(Peers, ReachWhatWasThereBeforeTheyWereEnabled) {
  void* earlier = on(1, 64);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, earlier), cudaSuccess);
  EXPECT_EQ(attributes.devicePointer, nullptr);
  ASSERT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaSuccess);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, earlier), cudaSuccess);
  EXPECT_EQ(attributes.devicePointer, earlier);
}

// Four bytes on each of two devices.
class PeerCopies : public Peers {
 protected:
  void SetUp() override {
    Peers::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    first_ = on(0, sizeof(int));
    second_ = on(1, sizeof(int));
  }
  static void write(void* pointer, int value) {
    EXPECT_EQ(cudaMemcpy(pointer, &value, sizeof(int), cudaMemcpyHostToDevice), cudaSuccess);
  }
  static int read(const void* pointer) {
    int value = 0;
    EXPECT_EQ(cudaMemcpy(&value, pointer, sizeof(int), cudaMemcpyDeviceToHost), cudaSuccess);
    return value;
  }

  void* first_ = nullptr;
  void* second_ = nullptr;
  Gate gate_;
};

// "Copies memory from one device to memory on another device."
TEST_F(PeerCopies, CopyToOneAnother) {
  write(first_, 11);
  ASSERT_EQ(cudaMemcpyPeer(second_, 1, first_, 0, 4), cudaSuccess);
  EXPECT_EQ(read(second_), 11);
}

// "Note that this function is asynchronous with respect to the host and all work on other devices."
TEST_F(PeerCopies, CopyInAStream) {
  const cudaStream_t stream = make_stream();
  write(first_, 12);
  gate_.hold(stream);
  ASSERT_EQ(cudaMemcpyPeerAsync(second_, 1, first_, 0, 4, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  gate_.open();
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(read(second_), 12);
}

// "serialized with respect all pending and future asynchronous work in to the current device,
// srcDevice, and dstDevice"
TEST_F(PeerCopies, CopyAfterThePendingWorkOfBoth) {
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  const cudaStream_t stream = make_stream();
  gate_.hold(stream);
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  ASSERT_EQ(cudaMemcpyPeer(second_, 1, first_, 0, 4), cudaSuccess) << "the call does not wait";
  EXPECT_EQ(cudaStreamQuery(nullptr), cudaErrorNotReady);
  gate_.open();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

// "serialized with respect all pending and future asynchronous work in to the current device,
// srcDevice, and dstDevice"
TEST_F(PeerCopies, CopyBeforeTheFutureWorkOfBoth) {
  const cudaStream_t own = make_stream();
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  const cudaStream_t other = make_stream();
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  gate_.hold(own);
  ASSERT_EQ(cudaMemcpyPeer(second_, 1, first_, 0, 4), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(other), cudaErrorNotReady);
  gate_.open();
  EXPECT_EQ(cudaStreamSynchronize(other), cudaSuccess);
}

// "serialized with respect all pending and future asynchronous work in to the current device,
// srcDevice, and dstDevice"
TEST_F(PeerCopies, CopyBeforeTheWorkOfStreamsThatAreMadeLater) {
  gate_.hold(make_stream());
  ASSERT_EQ(cudaMemcpyPeer(second_, 1, first_, 0, 4), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  const cudaStream_t later = make_stream();
  ASSERT_EQ(cudaMemsetAsync(second_, 0, 4, later), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(later), cudaErrorNotReady);
  gate_.open();
  EXPECT_EQ(cudaStreamSynchronize(later), cudaSuccess);
}

// "Returns … cudaErrorInvalidValue, cudaErrorInvalidDevice"
TEST_F(PeerCopies, CopyBetweenDevicesThatThereAre) {
  EXPECT_EQ(cudaMemcpyPeer(second_, 999, first_, 0, 4), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaMemcpyPeer(second_, 1, first_, -1, 4), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaMemcpyPeerAsync(second_, 1, first_, 999, 4, nullptr), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaMemcpyPeer(second_, 1, first_, 0, 4096 * 4096), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyPeer(second_, 1, first_, 0, 0), cudaSuccess);
}

TEST_F(PeerCopies, CopyOnOneDeviceToo) {
  void* second = on(0, 4);
  write(first_, 13);
  ASSERT_EQ(cudaMemcpyPeer(second, 0, first_, 0, 4), cudaSuccess);
  EXPECT_EQ(read(second), 13);
}

// "Passing cudaMemcpyDefault is recommended, in which case the type of transfer is inferred from
// the pointer values."
TEST_F(PeerCopies, AreCopiedBetweenByCudaMemcpy) {
  for (const auto kind : {cudaMemcpyDeviceToDevice, cudaMemcpyDefault}) {
    write(first_, 14 + kind);
    ASSERT_EQ(cudaMemcpy(second_, first_, 4, kind), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(read(second_), 14 + kind);
  }
}

}  // namespace
}  // namespace cuda_simulator

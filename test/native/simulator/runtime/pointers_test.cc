// cudaPointerGetAttributes, and the one address space of host and devices.
#include <cstdlib>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class Pointers : public RuntimeTest {
 protected:
  static cudaPointerAttributes attributes_of(const void* pointer) {
    cudaPointerAttributes attributes{};
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, pointer), cudaSuccess);
    return attributes;
  }
  static void* host_memory(unsigned int flags) {
    void* pointer = nullptr;
    EXPECT_EQ(cudaHostAlloc(&pointer, 4096, flags), cudaSuccess);
    return pointer;
  }
};

// "In CUDA 11.0 forward passing host pointer will return cudaMemoryTypeUnregistered in
// cudaPointerAttributes::type and call will return cudaSuccess."
TEST_F(Pointers, OfTheProgramAreUnregistered) {
  int value = 0;
  EXPECT_EQ(attributes_of(&value).type, cudaMemoryTypeUnregistered);
}

// "If ptr has memory type cudaMemoryTypeDevice then this identifies the device on which the memory
// referred to by ptr physically resides."
TEST_F(Pointers, OfADeviceNameItWhicheverIsCurrent) {
  NEED_DEVICES(2);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 64), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(attributes_of(pointer).type, cudaMemoryTypeDevice);
  EXPECT_EQ(attributes_of(pointer).device, 1);
}

// "If the memory referred to by ptr cannot be accessed directly by the host then this is NULL."
TEST_F(Pointers, OfADeviceAreNotTheHosts) {
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 64), cudaSuccess);
  EXPECT_EQ(attributes_of(pointer).hostPointer, nullptr);
  EXPECT_EQ(attributes_of(pointer).devicePointer, pointer);
}

// "cudaMemoryTypeHost for registered host memory"
TEST_F(Pointers, OfPinnedMemoryAreTheHostsAndTheDevices) {
  void* pinned = host_memory(cudaHostAllocDefault);
  EXPECT_EQ(attributes_of(pinned).type, cudaMemoryTypeHost);
  EXPECT_EQ(attributes_of(pinned).hostPointer, pinned);
  EXPECT_NE(attributes_of(pinned).devicePointer, nullptr);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  EXPECT_EQ(attributes_of(pinned).type, cudaMemoryTypeUnregistered);
}

// "The pointer value through which allocated host memory may be accessed in kernels on all devices
// that support unified addressing is the same as the pointer value through which that memory is
// accessed on the host."
TEST_F(Pointers, OfPinnedMemoryAreTheSameOnTheDevice) {
  void* pinned = host_memory(cudaHostAllocDefault);
  void* on_device = nullptr;
  ASSERT_EQ(cudaHostGetDevicePointer(&on_device, pinned, 0), cudaSuccess);
  EXPECT_EQ(on_device, pinned);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
}

// "All host memory allocated through all devices using cudaMallocHost() and cudaHostAlloc() is
// always directly accessible from all devices that support unified addressing. This is the case
// regardless of whether or not the flags cudaHostAllocPortable and cudaHostAllocMapped are
// specified."
TEST_F(Pointers, OfPinnedMemoryAreEveryDevices) {
  NEED_DEVICES(2);
  for (const unsigned int flags : {cudaHostAllocDefault, cudaHostAllocPortable}) {
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
    void* pinned = host_memory(flags);
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    EXPECT_EQ(attributes_of(pinned).devicePointer, pinned) << flags;
    EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  }
}

// "The copy direction cudaMemcpyDefault may be used to specify that the CUDA runtime should infer
// the location of the pointer from its value."
TEST_F(Pointers, TellTheDirectionOfACopy) {
  int* pinned = static_cast<int*>(host_memory(cudaHostAllocDefault));
  void* device = nullptr;
  int back = 0;
  ASSERT_EQ(cudaMalloc(&device, sizeof(int)), cudaSuccess);
  *pinned = 42;
  ASSERT_EQ(cudaMemcpy(device, pinned, sizeof(int), cudaMemcpyDefault), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(&back, device, sizeof(int), cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(back, 42);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
}

}  // namespace
}  // namespace cuda_simulator

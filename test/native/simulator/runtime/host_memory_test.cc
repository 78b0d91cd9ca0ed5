// Pinned host memory: cudaHostAlloc and cudaHostRegister.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class HostMemory : public RuntimeTest {
 protected:
  HostMemory() : pages_(static_cast<char*>(std::aligned_alloc(kPage, kBytes))) {
    std::memset(pages_, 1, kBytes);
  }
  ~HostMemory() override {
    for (std::size_t page = 0; page < kBytes; page += kPage) {
      static_cast<void>(cudaHostUnregister(pages_ + page));
    }
    static_cast<void>(cudaGetLastError());
    std::free(pages_);
  }
  static cudaMemoryType type_of(const void* pointer) {
    cudaPointerAttributes attributes{};
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, pointer), cudaSuccess);
    return attributes.type;
  }
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kBytes = 8 * kPage;
  char* pages_;
};

// "Registers an existing host memory range for use by CUDA"
TEST_F(HostMemory, IsRegisteredAndUnregistered) {
  EXPECT_EQ(type_of(pages_), cudaMemoryTypeUnregistered);
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
  EXPECT_EQ(type_of(pages_), cudaMemoryTypeHost);
  EXPECT_EQ(type_of(pages_ + kBytes - 1), cudaMemoryTypeHost);
  ASSERT_EQ(cudaHostUnregister(pages_), cudaSuccess);
  EXPECT_EQ(type_of(pages_), cudaMemoryTypeUnregistered);
}

// "makes it pageable again": it stays the program's memory, with what was in it.
TEST_F(HostMemory, StaysWhenItIsUnregistered) {
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
  pages_[5] = 42;
  ASSERT_EQ(cudaHostUnregister(pages_), cudaSuccess);
  EXPECT_EQ(pages_[5], 42);
}

// cudaErrorHostMemoryAlreadyRegistered: "the memory range passed to cudaHostRegister() has already
// been registered."
TEST_F(HostMemory, IsRegisteredOnce) {
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
  EXPECT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault),
            cudaErrorHostMemoryAlreadyRegistered);
}

// cudaErrorHostMemoryAlreadyRegistered: "This error indicates that the memory range passed to
// cudaHostRegister() has already been registered."
TEST_F(HostMemory, IsNotRegisteredWhereItOverlaps) {
  ASSERT_EQ(cudaHostRegister(pages_ + 2 * kPage, 2 * kPage, cudaHostRegisterDefault), cudaSuccess);
  EXPECT_EQ(cudaHostRegister(pages_, 3 * kPage, cudaHostRegisterDefault),
            cudaErrorHostMemoryAlreadyRegistered);
  EXPECT_EQ(cudaHostRegister(pages_ + 3 * kPage, 2 * kPage, cudaHostRegisterDefault),
            cudaErrorHostMemoryAlreadyRegistered);
  EXPECT_EQ(cudaHostRegister(pages_, 2 * kPage, cudaHostRegisterDefault), cudaSuccess)
      << "a neighbour is not the same memory";
}

// "makes it pageable again"
TEST_F(HostMemory, MayBeRegisteredAgain) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
    ASSERT_EQ(cudaHostUnregister(pages_), cudaSuccess);
  }
}

// cudaErrorHostMemoryNotRegistered: "the pointer passed to cudaHostUnregister() does not correspond
// to any currently registered memory region."
TEST_F(HostMemory, IsUnregisteredOnce) {
  EXPECT_EQ(cudaHostUnregister(pages_), cudaErrorHostMemoryNotRegistered);
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
  ASSERT_EQ(cudaHostUnregister(pages_), cudaSuccess);
  EXPECT_EQ(cudaHostUnregister(pages_), cudaErrorHostMemoryNotRegistered);
}

// "The base address must be the same one specified to cudaHostRegister()."
TEST_F(HostMemory, IsUnregisteredByItsBase) {
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
  EXPECT_NE(cudaHostUnregister(pages_ + kPage), cudaSuccess);
  EXPECT_EQ(type_of(pages_), cudaMemoryTypeHost);
}

// cudaErrorInvalidValue: "This indicates that one or more of the parameters passed to the API call
// is not within an acceptable range of values."
TEST_F(HostMemory, OfNoLengthIsNotRegistered) {
  EXPECT_EQ(cudaHostRegister(pages_, 0, cudaHostRegisterDefault), cudaErrorInvalidValue);
  EXPECT_EQ(cudaHostRegister(nullptr, kPage, cudaHostRegisterDefault), cudaErrorInvalidValue);
  EXPECT_EQ(cudaHostUnregister(nullptr), cudaErrorInvalidValue);
}

TEST_F(HostMemory, ThatIsNotMappedIsNotRegistered) {
  void* gone = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(gone, MAP_FAILED);
  ASSERT_EQ(::munmap(gone, kPage), 0);
  EXPECT_EQ(cudaHostRegister(gone, kPage, cudaHostRegisterDefault), cudaErrorInvalidValue);
}

// "All of these flags are orthogonal to one another"
TEST_F(HostMemory, IsRegisteredPortableAndMapped) {
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterPortable | cudaHostRegisterMapped),
            cudaSuccess);
  EXPECT_EQ(type_of(pages_), cudaMemoryTypeHost);
}

// cudaErrorInvalidValue: "This indicates that one or more of the parameters passed to the API call
// is not within an acceptable range of values."
TEST_F(HostMemory, IsNotRegisteredWithFlagsThatThereAreNot) {
  EXPECT_EQ(cudaHostRegister(pages_, kBytes, 0x100), cudaErrorInvalidValue);
}

// "Using this flag with a current context associated with a device that does not have this
// attribute set will cause cudaHostRegister to error with cudaErrorNotSupported."
TEST_F(HostMemory, IsRegisteredReadOnlyWhereTheAttributeSaysSo) {
  int supported = 0;
  ASSERT_EQ(cudaDeviceGetAttribute(&supported, cudaDevAttrHostRegisterReadOnlySupported, 0),
            cudaSuccess);
  EXPECT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterReadOnly),
            supported != 0 ? cudaSuccess : cudaErrorNotSupported);
}

// "Memory allocated by this function must be freed with cudaFreeHost()"; registered memory is not
// such memory.
TEST_F(HostMemory, ThatIsRegisteredIsNotFreedByTheRuntime) {
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pages_), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(pages_), cudaErrorInvalidValue);
  EXPECT_EQ(type_of(pages_), cudaMemoryTypeHost);
}

// cudaErrorHostMemoryAlreadyRegistered: "This error indicates that the memory range passed to
// cudaHostRegister() has already been registered."
TEST_F(HostMemory, ThatIsAllocatedIsNotRegisteredAgain) {
  void* pinned = nullptr;
  ASSERT_EQ(cudaHostAlloc(&pinned, kPage, cudaHostAllocDefault), cudaSuccess);
  EXPECT_EQ(cudaHostRegister(pinned, kPage, cudaHostRegisterDefault),
            cudaErrorHostMemoryAlreadyRegistered);
  EXPECT_NE(cudaHostUnregister(pinned), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
}

// "If all devices visible to the application have a non-zero value for the device attribute, the
// device pointer returned by cudaHostGetDevicePointer() will match the original pointer pHost."
TEST_F(HostMemory, HasADevicePointer) {
  int same = 0;
  ASSERT_EQ(cudaDeviceGetAttribute(&same, cudaDevAttrCanUseHostPointerForRegisteredMem, 0),
            cudaSuccess);
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterMapped), cudaSuccess);
  void* device = nullptr;
  ASSERT_EQ(cudaHostGetDevicePointer(&device, pages_, 0), cudaSuccess);
  EXPECT_EQ(device == pages_, same != 0);
}

// "Passes back the device pointer corresponding to the mapped, pinned host buffer allocated by
// cudaHostAlloc() or registered by cudaHostRegister()."
TEST_F(HostMemory, ThatIsAllocatedHasADevicePointer) {
  void* pinned = nullptr;
  void* device = nullptr;
  ASSERT_EQ(cudaHostAlloc(&pinned, kPage, cudaHostAllocMapped), cudaSuccess);
  ASSERT_EQ(cudaHostGetDevicePointer(&device, pinned, 0), cudaSuccess);
  EXPECT_EQ(device, pinned) << "one address space: cudaDevAttrUnifiedAddressing";
  ASSERT_EQ(cudaHostGetDevicePointer(&device, static_cast<char*>(pinned) + 100, 0), cudaSuccess);
  EXPECT_EQ(device, static_cast<char*>(pinned) + 100);
}

// "flags provides for future releases. For now, it must be set to 0."
TEST_F(HostMemory, HasADevicePointerWithoutFlags) {
  void* pinned = nullptr;
  void* device = nullptr;
  ASSERT_EQ(cudaMallocHost(&pinned, kPage), cudaSuccess);
  EXPECT_EQ(cudaHostGetDevicePointer(&device, pinned, 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaHostGetDevicePointer(nullptr, pinned, 0), cudaErrorInvalidValue);
}

// "Passes back the device pointer corresponding to the mapped, pinned host buffer allocated by
// cudaHostAlloc() or registered by cudaHostRegister()."
TEST_F(HostMemory, ThatIsPageableHasNoDevicePointer) {
  void* device = nullptr;
  EXPECT_EQ(cudaHostGetDevicePointer(&device, pages_, 0), cudaErrorInvalidValue);
}

// "Passes back flags used to allocate pinned host memory allocated by cudaHostAlloc"
TEST_F(HostMemory, KeepsTheFlagsItWasAllocatedWith) {
  void* pinned = nullptr;
  unsigned int flags = 0;
  ASSERT_EQ(cudaHostAlloc(&pinned, kPage, cudaHostAllocPortable | cudaHostAllocMapped),
            cudaSuccess);
  ASSERT_EQ(cudaHostGetFlags(&flags, pinned), cudaSuccess);
  EXPECT_EQ(flags & cudaHostAllocPortable, static_cast<unsigned int>(cudaHostAllocPortable));
  EXPECT_EQ(flags & cudaHostAllocMapped, static_cast<unsigned int>(cudaHostAllocMapped));
  EXPECT_EQ(flags & cudaHostAllocWriteCombined, 0U);
  ASSERT_EQ(cudaHostGetFlags(&flags, static_cast<char*>(pinned) + 10), cudaSuccess)
      << "within the range";
  EXPECT_EQ(cudaHostGetFlags(nullptr, pinned), cudaErrorInvalidValue);
}

// "cudaHostGetFlags() will fail if the input pointer does not reside in an address range allocated
// by cudaHostAlloc()."
TEST_F(HostMemory, ThatIsNotAllocatedHasNoFlags) {
  unsigned int flags = 0;
  EXPECT_EQ(cudaHostGetFlags(&flags, pages_), cudaErrorInvalidValue);
  void* device = nullptr;
  ASSERT_EQ(cudaMalloc(&device, kPage), cudaSuccess);
  EXPECT_EQ(cudaHostGetFlags(&flags, device), cudaErrorInvalidValue);
}

// "All of these flags are orthogonal to one another: a developer may allocate memory that is
// portable, mapped and/or write-combined with no restrictions."
TEST_F(HostMemory, IsAllocatedWithAnyOfTheFlags) {
  for (unsigned int flags = 0; flags < 8; ++flags) {
    void* pinned = nullptr;
    ASSERT_EQ(cudaHostAlloc(&pinned, kPage, flags), cudaSuccess) << flags;
    EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess) << flags;
  }
}

// "the device which was current when the allocation was made"
TEST_F(HostMemory, BelongsToTheDeviceThatWasCurrent) {
  NEED_DEVICES(2);
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, pages_), cudaSuccess);
  EXPECT_EQ(attributes.device, 1);
  EXPECT_EQ(attributes.hostPointer, pages_);
  EXPECT_EQ(attributes.devicePointer, pages_);
}

// cudaSetDevice: "Any host memory allocated from this host thread using … cudaHostRegister() will
// have its lifetime associated with device."
TEST_F(HostMemory, IsNoLongerRegisteredAfterADeviceReset) {
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
  pages_[9] = 9;
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_EQ(type_of(pages_), cudaMemoryTypeUnregistered);
  EXPECT_EQ(pages_[9], 9) << "and is the program's still";
}

// "This memory range also is added to the same tracking mechanism as cudaHostAlloc()": a copy to it
// is asynchronous.
TEST_F(HostMemory, ThatIsRegisteredIsReadWhenTheStreamComesToIt) {
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
  void* device = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 1), cudaSuccess);
  const cudaStream_t stream = make_stream();
  Gate gate;
  gate.hold(stream);
  pages_[0] = 1;
  ASSERT_EQ(cudaMemcpyAsync(device, pages_, 1, cudaMemcpyHostToDevice, stream), cudaSuccess);
  pages_[0] = 2;
  ASSERT_EQ(cudaMemcpyAsync(pages_ + 1, device, 1, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  gate.open();
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(pages_[1], 2);
}

// cudaMemset: "asynchronous with respect to the host unless devPtr refers to pinned host memory"
TEST_F(HostMemory, IsFilledByTheTimeTheCallReturns) {
  ASSERT_EQ(cudaHostRegister(pages_, kBytes, cudaHostRegisterDefault), cudaSuccess);
  ASSERT_EQ(cudaMemset(pages_, 0x5A, kBytes), cudaSuccess);
  EXPECT_EQ(pages_[0], 0x5A);
  EXPECT_EQ(pages_[kBytes - 1], 0x5A);
}

}  // namespace
}  // namespace cuda_simulator

// Who reaches a pool's memory, which pool a location has, and what a pool may be made of.
#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

cudaMemLocation on(int device) { return {cudaMemLocationTypeDevice, device}; }

class PoolAccess : public RuntimeTest {
 protected:
  static cudaMemAccessFlags access(cudaMemPool_t pool, int device) {
    cudaMemAccessFlags flags{};
    cudaMemLocation where = on(device);
    EXPECT_EQ(cudaMemPoolGetAccess(&flags, pool, &where), cudaSuccess);
    return flags;
  }
  static cudaError_t set(cudaMemPool_t pool, int device, cudaMemAccessFlags flags) {
    const cudaMemAccessDesc description{on(device), flags};
    return cudaMemPoolSetAccess(pool, &description, 1);
  }
};

// cudaMemPoolCreate: "By default, the pool's memory will be accessible from the device it is
// allocated on."
TEST_F(PoolAccess, IsTheOwnDevicesByDefault) {
  EXPECT_EQ(access(make_pool(), 0), cudaMemAccessFlagsProtReadWrite);
}

// cudaMemAccessFlagsProtNone: "Default, make the address range not accessible"
TEST_F(PoolAccess, IsNoOtherDevicesByDefault) {
  NEED_DEVICES(2);
  EXPECT_EQ(access(make_pool(), 1), cudaMemAccessFlagsProtNone);
}

// "Controls visibility of pools between devices"
TEST_F(PoolAccess, IsGivenToAnotherDeviceAndTakenAway) {
  NEED_DEVICES(2);
  const cudaMemPool_t pool = make_pool();
  ASSERT_EQ(set(pool, 1, cudaMemAccessFlagsProtReadWrite), cudaSuccess);
  EXPECT_EQ(access(pool, 1), cudaMemAccessFlagsProtReadWrite);
  ASSERT_EQ(set(pool, 1, cudaMemAccessFlagsProtNone), cudaSuccess);
  EXPECT_EQ(access(pool, 1), cudaMemAccessFlagsProtNone);
}

// "Returns the accessibility of the pool's memory from the specified location."
TEST_F(PoolAccess, IsOfOnePool) {
  NEED_DEVICES(2);
  const cudaMemPool_t pool = make_pool();
  const cudaMemPool_t other = make_pool();
  ASSERT_EQ(set(pool, 1, cudaMemAccessFlagsProtReadWrite), cudaSuccess);
  EXPECT_EQ(access(other, 1), cudaMemAccessFlagsProtNone);
}

// "Device Accessibility for Multi-GPU Support" (programming guide): the access to a pool's
// allocations does not follow cudaDeviceEnablePeerAccess.
TEST_F(PoolAccess, IsNotPeerAccess) {
  NEED_DEVICES(2);
  const cudaMemPool_t pool = make_pool(1);
  static_cast<void>(cudaDeviceEnablePeerAccess(1, 0));
  EXPECT_EQ(access(pool, 0), cudaMemAccessFlagsProtNone);
  static_cast<void>(cudaDeviceDisablePeerAccess(1));
  static_cast<void>(cudaGetLastError());
}

// The same: the access of the device that holds the memory cannot be revoked.
TEST_F(PoolAccess, OfTheOwnDeviceIsNotTakenAway) {
  const cudaMemPool_t pool = make_pool();
  EXPECT_EQ(set(pool, 0, cudaMemAccessFlagsProtNone), cudaErrorInvalidValue);
  EXPECT_EQ(access(pool, 0), cudaMemAccessFlagsProtReadWrite);
}

// "Returns cudaSuccess, cudaErrorInvalidValue"
TEST_F(PoolAccess, IsForDevicesThatThereAre) {
  const cudaMemPool_t pool = make_pool();
  EXPECT_NE(set(pool, 999, cudaMemAccessFlagsProtReadWrite), cudaSuccess);
  EXPECT_EQ(cudaMemPoolSetAccess(pool, nullptr, 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPoolGetAccess(nullptr, pool, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(set(nullptr, 0, cudaMemAccessFlagsProtReadWrite), cudaErrorInvalidValue);
}

TEST_F(PoolAccess, IsSetForAllOrForNone) {
  NEED_DEVICES(2);
  const cudaMemPool_t pool = make_pool();
  const cudaMemAccessDesc both[] = {{on(1), cudaMemAccessFlagsProtReadWrite},
                                    {on(999), cudaMemAccessFlagsProtReadWrite}};
  EXPECT_NE(cudaMemPoolSetAccess(pool, both, 2), cudaSuccess);
  EXPECT_EQ(access(pool, 1), cudaMemAccessFlagsProtNone);
}

// cudaMemGetDefaultMemPool: "Returns the default memory pool for a given location and allocation
// type"
TEST_F(PoolAccess, OfALocationIsThatOfItsDevice) {
  cudaMemPool_t by_device = nullptr;
  cudaMemPool_t by_location = nullptr;
  cudaMemLocation where = on(0);
  ASSERT_EQ(cudaDeviceGetDefaultMemPool(&by_device, 0), cudaSuccess);
  ASSERT_EQ(cudaMemGetDefaultMemPool(&by_location, &where, cudaMemAllocationTypePinned),
            cudaSuccess);
  EXPECT_EQ(by_location, by_device);
}

// cudaMemGetMemPool: "By default the current mempool of a location is the default mempool"
TEST_F(PoolAccess, OfALocationIsTheDefaultOneFirst) {
  cudaMemPool_t standard = nullptr;
  cudaMemPool_t current = nullptr;
  cudaMemLocation where = on(0);
  ASSERT_EQ(cudaMemGetDefaultMemPool(&standard, &where, cudaMemAllocationTypePinned), cudaSuccess);
  ASSERT_EQ(cudaMemGetMemPool(&current, &where, cudaMemAllocationTypePinned), cudaSuccess);
  EXPECT_EQ(current, standard);
}

// cudaMemSetMemPool: "this API is the equivalent of calling cudaDeviceSetMemPool with the location
// id as the device."
TEST_F(PoolAccess, OfALocationIsSetForItsDevice) {
  const cudaMemPool_t pool = make_pool();
  cudaMemLocation where = on(0);
  ASSERT_EQ(cudaMemSetMemPool(&where, cudaMemAllocationTypePinned, pool), cudaSuccess);
  cudaMemPool_t current = nullptr;
  ASSERT_EQ(cudaDeviceGetMemPool(&current, 0), cudaSuccess);
  EXPECT_EQ(current, pool);
  ASSERT_EQ(cudaMemPoolDestroy(pool), cudaSuccess);
  cudaMemPool_t standard = nullptr;
  ASSERT_EQ(cudaMemGetMemPool(&current, &where, cudaMemAllocationTypePinned), cudaSuccess);
  ASSERT_EQ(cudaDeviceGetDefaultMemPool(&standard, 0), cudaSuccess);
  EXPECT_EQ(current, standard) << "destroying the current pool makes the default one current";
}

// "If the location type or index don't match, the call returns cudaErrorInvalidValue. The type of
// memory pool should also match the parameter allocType. Else the call returns
// cudaErrorInvalidValue."
TEST_F(PoolAccess, OfALocationIsOneOfThatLocation) {
  NEED_DEVICES(2);
  const cudaMemPool_t pool = make_pool(0);
  cudaMemLocation where = on(1);
  EXPECT_EQ(cudaMemSetMemPool(&where, cudaMemAllocationTypePinned, pool), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemSetMemPool(nullptr, cudaMemAllocationTypePinned, pool), cudaErrorInvalidValue);
}

// "In all other cases, the call return cudaErrorInvalidValue"
TEST_F(PoolAccess, OfALocationIsOfAKnownKind) {
  cudaMemPool_t pool = nullptr;
  cudaMemLocation where = on(0);
  EXPECT_EQ(cudaMemGetDefaultMemPool(&pool, &where, cudaMemAllocationTypeInvalid),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemGetDefaultMemPool(nullptr, &where, cudaMemAllocationTypePinned),
            cudaErrorInvalidValue);
  where.type = cudaMemLocationTypeHostNumaCurrent;
  EXPECT_EQ(cudaMemGetDefaultMemPool(&pool, &where, cudaMemAllocationTypePinned),
            cudaErrorInvalidValue);
}

class PoolProperties : public RuntimeTest {
 protected:
  static cudaMemPoolProps properties() {
    cudaMemPoolProps made{};
    made.allocType = cudaMemAllocationTypePinned;
    made.location = on(0);
    return made;
  }
  static cudaError_t create(const cudaMemPoolProps& wanted) {
    cudaMemPool_t pool = nullptr;
    const cudaError_t error = cudaMemPoolCreate(&pool, &wanted);
    if (error == cudaSuccess) static_cast<void>(cudaMemPoolDestroy(pool));
    return error;
  }
};

// "Creates a CUDA memory pool and returns the handle in pool."
TEST_F(PoolProperties, ThatAreRightMakeAPool) { EXPECT_EQ(create(properties()), cudaSuccess); }

// allocType: "Currently must be specified as cudaMemAllocationTypePinned"
TEST_F(PoolProperties, NeedAnAllocationType) {
  cudaMemPoolProps wanted = properties();
  wanted.allocType = cudaMemAllocationTypeInvalid;
  EXPECT_EQ(create(wanted), cudaErrorInvalidValue);
}

// "Specifying cudaMemLocationTypeHostNumaCurrent as the cudaMemPoolProps::cudaMemLocation::type
// will result in cudaErrorInvalidValue."
TEST_F(PoolProperties, NeedALocation) {
  cudaMemPoolProps wanted = properties();
  wanted.location = {cudaMemLocationTypeHostNumaCurrent, 0};
  EXPECT_EQ(create(wanted), cudaErrorInvalidValue);
  wanted.location = {cudaMemLocationTypeInvalid, 0};
  EXPECT_EQ(create(wanted), cudaErrorInvalidValue);
}

TEST_F(PoolProperties, NeedADeviceThatThereIs) {
  cudaMemPoolProps wanted = properties();
  wanted.location = on(999);
  EXPECT_NE(create(wanted), cudaSuccess);
}

// reserved: "reserved for future use, must be 0"
TEST_F(PoolProperties, KeepTheirReservedBytesZero) {
  cudaMemPoolProps wanted = properties();
  wanted.reserved[53] = 1;
  EXPECT_EQ(create(wanted), cudaErrorInvalidValue);
}

// "Pools created with the type cudaMemLocationTypeHost are not IPC capable and
// cudaMemPoolProps::handleTypes must be 0, any other values will result in cudaErrorInvalidValue."
TEST_F(PoolProperties, OfTheHostShareNoHandles) {
  cudaMemPoolProps wanted = properties();
  wanted.location = {cudaMemLocationTypeHost, 0};
  wanted.handleTypes = cudaMemHandleTypePosixFileDescriptor;
  EXPECT_EQ(create(wanted), cudaErrorInvalidValue);
}

TEST_F(PoolProperties, AreNeeded) {
  const cudaMemPoolProps wanted = properties();
  cudaMemPool_t pool = nullptr;
  EXPECT_EQ(cudaMemPoolCreate(nullptr, &wanted), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPoolCreate(&pool, nullptr), cudaErrorInvalidValue);
}

TEST_F(PoolProperties, AreNotNeededToRefuseANullPool) {
  std::uint64_t value = 0;
  void* pointer = nullptr;
  EXPECT_EQ(cudaMemPoolDestroy(nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPoolTrimTo(nullptr, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPoolGetAttribute(nullptr, cudaMemPoolAttrUsedMemCurrent, &value),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceSetMemPool(0, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMallocFromPoolAsync(&pointer, 1, nullptr, nullptr), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace cuda_simulator

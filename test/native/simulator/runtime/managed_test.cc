// Managed memory: cudaMallocManaged, cudaStreamAttachMemAsync, and advice about it.
#include <cstring>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kBytes = 8 * kPage;
constexpr cudaMemLocation kDevice0{cudaMemLocationTypeDevice, 0};
constexpr cudaMemLocation kHost{cudaMemLocationTypeHost, 0};
constexpr cudaMemLocation kNowhere{cudaMemLocationTypeInvalid, 0};

class Managed : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(cudaMallocManaged(&memory_, kBytes, cudaMemAttachGlobal), cudaSuccess);
  }
  void TearDown() override { static_cast<void>(cudaFree(memory_)); }

  char* page(std::size_t index) const { return static_cast<char*>(memory_) + index * kPage; }
  template <typename Value = int>
  Value get(cudaMemRangeAttribute attribute, std::size_t first = 0, std::size_t pages = 8) const {
    Value value{};
    EXPECT_EQ(
        cudaMemRangeGetAttribute(&value, sizeof(value), attribute, page(first), pages * kPage),
        cudaSuccess);
    return value;
  }
  cudaError_t advise(cudaMemoryAdvise advice, cudaMemLocation where, std::size_t first = 0,
                     std::size_t pages = 8) const {
    return cudaMemAdvise(page(first), pages * kPage, advice, where);
  }
  cudaError_t prefetch(cudaMemLocation where, std::size_t first = 0, std::size_t pages = 8) const {
    return cudaMemPrefetchAsync(page(first), pages * kPage, where, 0, nullptr);
  }

  void* memory_ = nullptr;
};

// "The pointer is valid on the CPU and on all GPUs in the system that support managed memory."
TEST_F(Managed, IsTheHostsAndTheDevices) {
  std::memset(memory_, 7, kBytes);
  char back[16] = {};
  ASSERT_EQ(cudaMemcpy(back, memory_, sizeof(back), cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(back[15], 7);
  ASSERT_EQ(cudaMemset(memory_, 3, kBytes), cudaSuccess);
  ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_EQ(*page(7), 3);
}

// "The pointer is valid on the CPU and on all GPUs in the system that support managed memory."
TEST_F(Managed, IsCopiedInEveryDirection) {
  char host[4] = {1, 2, 3, 4};
  void* device = nullptr;
  ASSERT_EQ(cudaMalloc(&device, 4), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(memory_, host, 4, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(device, memory_, 4, cudaMemcpyDeviceToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(memory_, device, 4, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(memory_, host, 4, cudaMemcpyHostToHost), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(host, memory_, 4, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(host[3], 4);
}

// cudaPointerGetAttributes: "cudaMemoryTypeManaged for managed memory."
TEST_F(Managed, IsKnownAsSuch) {
  cudaPointerAttributes attributes{};
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, page(3)), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeManaged);
  EXPECT_EQ(attributes.device, 0);
  EXPECT_EQ(attributes.devicePointer, page(3));
  EXPECT_EQ(attributes.hostPointer, page(3));
}

// "Memory allocated with cudaMallocManaged should be released with cudaFree."
TEST_F(Managed, IsFreedOnce) {
  EXPECT_EQ(cudaFreeHost(memory_), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(memory_), cudaSuccess);
  EXPECT_EQ(cudaFree(memory_), cudaErrorInvalidValue);
  memory_ = nullptr;
}

// "If size is 0, cudaMallocManaged returns cudaErrorInvalidValue."
TEST_F(Managed, OfNoLengthIsRefused) {
  void* pointer = nullptr;
  EXPECT_EQ(cudaMallocManaged(&pointer, 0, cudaMemAttachGlobal), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMallocManaged(nullptr, 1, cudaMemAttachGlobal), cudaErrorInvalidValue);
}

// "flags must be one of cudaMemAttachGlobal or cudaMemAttachHost."
TEST_F(Managed, IsAllocatedGlobalOrForTheHost) {
  void* pointer = nullptr;
  EXPECT_EQ(cudaMallocManaged(&pointer, 64, cudaMemAttachHost), cudaSuccess);
  EXPECT_EQ(cudaFree(pointer), cudaSuccess);
  EXPECT_EQ(cudaMallocManaged(&pointer, 64, cudaMemAttachSingle), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMallocManaged(&pointer, 64, 0), cudaErrorInvalidValue);
}

// "Support for managed memory can be queried using the device attribute cudaDevAttrManagedMemory."
TEST_F(Managed, IsSupported) {
  int supported = 0;
  ASSERT_EQ(cudaDeviceGetAttribute(&supported, cudaDevAttrManagedMemory, 0), cudaSuccess);
  EXPECT_EQ(supported, 1);
}

// cudaDeviceReset: "These resources also include memory allocations by … cudaMallocManaged"
TEST_F(Managed, EndsWithADeviceReset) {
  ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
  EXPECT_EQ(cudaFree(memory_), cudaErrorInvalidValue);
  memory_ = nullptr;
}

// "For managed allocations, length must be either zero or the entire allocation's size."
TEST_F(Managed, IsAttachedWhole) {
  const cudaStream_t stream = make_stream();
  EXPECT_EQ(cudaStreamAttachMemAsync(stream, memory_, 0, cudaMemAttachSingle), cudaSuccess);
  EXPECT_EQ(cudaStreamAttachMemAsync(stream, memory_, kBytes, cudaMemAttachGlobal), cudaSuccess);
  EXPECT_EQ(cudaStreamAttachMemAsync(stream, memory_, kPage, cudaMemAttachGlobal),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
}

// "which must be one of cudaMemAttachGlobal, cudaMemAttachHost or cudaMemAttachSingle"
TEST_F(Managed, IsAttachedInThreeWays) {
  const cudaStream_t stream = make_stream();
  EXPECT_EQ(cudaStreamAttachMemAsync(stream, memory_, 0, cudaMemAttachHost), cudaSuccess);
  EXPECT_EQ(cudaStreamAttachMemAsync(stream, memory_, 0, 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamAttachMemAsync(stream, memory_, 0, 0x10), cudaErrorInvalidValue);
}

// "It is illegal to attach singly to the NULL stream … An error will be returned in this case."
TEST_F(Managed, IsNotAttachedSinglyToTheNullStream) {
  EXPECT_NE(cudaStreamAttachMemAsync(nullptr, memory_, 0, cudaMemAttachSingle), cudaSuccess);
  EXPECT_EQ(cudaStreamAttachMemAsync(nullptr, memory_, 0, cudaMemAttachGlobal), cudaSuccess);
}

// "devPtr must point to … managed memory"
TEST_F(Managed, IsTheOnlyMemoryToAttach) {
  void* device = nullptr;
  ASSERT_EQ(cudaMalloc(&device, kPage), cudaSuccess);
  EXPECT_EQ(cudaStreamAttachMemAsync(make_stream(), device, 0, cudaMemAttachGlobal),
            cudaErrorInvalidValue);
}

// "This function is a stream-ordered operation"
TEST_F(Managed, IsAttachedInStreamOrder) {
  const cudaStream_t stream = make_stream();
  Gate gate;
  gate.hold(stream);
  EXPECT_EQ(cudaStreamAttachMemAsync(stream, memory_, 0, cudaMemAttachSingle), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
}

// "The result returned will be 1 if all pages in the given memory range have read-duplication
// enabled, or 0 otherwise."
TEST_F(Managed, IsReadMostlyWhereItWasAdvised) {
  EXPECT_EQ(get(cudaMemRangeAttributeReadMostly), 0);
  ASSERT_EQ(advise(cudaMemAdviseSetReadMostly, kNowhere), cudaSuccess) << "the location is ignored";
  EXPECT_EQ(get(cudaMemRangeAttributeReadMostly), 1);
  ASSERT_EQ(advise(cudaMemAdviseUnsetReadMostly, kNowhere, 2, 1), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributeReadMostly), 0);
  EXPECT_EQ(get(cudaMemRangeAttributeReadMostly, 0, 2), 1);
  EXPECT_EQ(get(cudaMemRangeAttributeReadMostly, 2, 1), 0);
  EXPECT_EQ(get(cudaMemRangeAttributeReadMostly, 3, 5), 1);
}

// "The start address and end address of the memory range will be rounded down and rounded up
// respectively to be aligned to CPU page size before the advice is applied."
TEST_F(Managed, IsAdvisedByWholePages) {
  ASSERT_EQ(cudaMemAdvise(page(1) + 100, 1, cudaMemAdviseSetReadMostly, kNowhere), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributeReadMostly, 1, 1), 1);
  EXPECT_EQ(get(cudaMemRangeAttributeReadMostly, 0, 1), 0);
  EXPECT_EQ(get(cudaMemRangeAttributeReadMostly, 2, 1), 0);
}

// "The result returned will be a GPU device id if all pages in the memory range have that GPU as
// their preferred location, or it will be cudaCpuDeviceId if all pages … have the CPU …, or it will
// be cudaInvalidDeviceId if either all the pages don't have the same preferred location or some of
// the pages don't have a preferred location at all."
TEST_F(Managed, HasAPreferredLocation) {
  EXPECT_EQ(get(cudaMemRangeAttributePreferredLocation), cudaInvalidDeviceId);
  ASSERT_EQ(advise(cudaMemAdviseSetPreferredLocation, kDevice0), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributePreferredLocation), 0);
  ASSERT_EQ(advise(cudaMemAdviseSetPreferredLocation, kHost, 4, 4), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributePreferredLocation), cudaInvalidDeviceId);
  EXPECT_EQ(get(cudaMemRangeAttributePreferredLocation, 4, 4), cudaCpuDeviceId);
}

// "changes the preferred location to none"
TEST_F(Managed, LosesItsPreferredLocation) {
  ASSERT_EQ(advise(cudaMemAdviseSetPreferredLocation, kDevice0), cudaSuccess);
  ASSERT_EQ(advise(cudaMemAdviseUnsetPreferredLocation, kNowhere), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributePreferredLocation), cudaInvalidDeviceId);
}

// "The cudaMemLocationType returned will be cudaMemLocationTypeDevice if all pages in the memory
// range have the same GPU as their preferred location, or … cudaMemLocationTypeInvalid"
TEST_F(Managed, TellsTheTypeOfItsPreferredLocation) {
  EXPECT_EQ(get<cudaMemLocationType>(cudaMemRangeAttributePreferredLocationType),
            cudaMemLocationTypeInvalid);
  ASSERT_EQ(advise(cudaMemAdviseSetPreferredLocation, kDevice0), cudaSuccess);
  EXPECT_EQ(get<cudaMemLocationType>(cudaMemRangeAttributePreferredLocationType),
            cudaMemLocationTypeDevice);
  EXPECT_EQ(get(cudaMemRangeAttributePreferredLocationId), 0);
  ASSERT_EQ(advise(cudaMemAdviseSetPreferredLocation, kHost), cudaSuccess);
  EXPECT_EQ(get<cudaMemLocationType>(cudaMemRangeAttributePreferredLocationType),
            cudaMemLocationTypeHost);
}

// "then cudaMemLocation::id must be a valid device ordinal"
TEST_F(Managed, PrefersOnlyPlacesThatThereAre) {
  EXPECT_EQ(advise(cudaMemAdviseSetPreferredLocation, {cudaMemLocationTypeDevice, 999}),
            cudaErrorInvalidDevice);
  EXPECT_EQ(advise(cudaMemAdviseSetPreferredLocation, kNowhere), cudaErrorInvalidValue);
  EXPECT_EQ(get(cudaMemRangeAttributePreferredLocation), cudaInvalidDeviceId);
}

// "The result returned will be a list of device ids that had cudaMemAdviceSetAccessedBy set for
// that entire memory range." "if dataSize is 12 … and only device 0 has the advice set, then the
// result returned will be { 0, cudaInvalidDeviceId, cudaInvalidDeviceId }."
TEST_F(Managed, IsAccessedByWhomItWasAdvised) {
  ASSERT_EQ(advise(cudaMemAdviseSetAccessedBy, kDevice0), cudaSuccess);
  int ordinals[3] = {7, 7, 7};
  ASSERT_EQ(
      cudaMemRangeGetAttribute(ordinals, 12, cudaMemRangeAttributeAccessedBy, memory_, kBytes),
      cudaSuccess);
  EXPECT_EQ(ordinals[0], 0);
  EXPECT_EQ(ordinals[1], cudaInvalidDeviceId);
  EXPECT_EQ(ordinals[2], cudaInvalidDeviceId);
}

// "If any device does not have that advice set for the entire memory range, that device will not be
// included."
TEST_F(Managed, IsAccessedByThoseOfTheWholeRange) {
  ASSERT_EQ(advise(cudaMemAdviseSetAccessedBy, kDevice0, 0, 4), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributeAccessedBy), cudaInvalidDeviceId);
  EXPECT_EQ(get(cudaMemRangeAttributeAccessedBy, 0, 4), 0);
}

// "Undoes the effect of cudaMemAdviseSetAccessedBy."
TEST_F(Managed, IsNoLongerAccessedBy) {
  ASSERT_EQ(advise(cudaMemAdviseSetAccessedBy, kHost), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributeAccessedBy), cudaCpuDeviceId);
  ASSERT_EQ(advise(cudaMemAdviseUnsetAccessedBy, kHost), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributeAccessedBy), cudaInvalidDeviceId);
}

// "The cudaMemLocation::type must be either cudaMemLocationTypeDevice … or cudaMemLocationTypeHost
// … All other location types are invalid."
TEST_F(Managed, IsAccessedByDevicesAndTheHostOnly) {
  EXPECT_EQ(advise(cudaMemAdviseSetAccessedBy, {cudaMemLocationTypeHostNuma, 0}),
            cudaErrorInvalidValue);
  EXPECT_EQ(advise(cudaMemAdviseSetAccessedBy, {cudaMemLocationTypeDevice, 999}),
            cudaErrorInvalidDevice);
}

// "The result returned will be the last location to which all pages in the memory range were
// prefetched explicitly via cudaMemPrefetchAsync."
TEST_F(Managed, KeepsTheLastPrefetch) {
  EXPECT_EQ(get(cudaMemRangeAttributeLastPrefetchLocation), cudaInvalidDeviceId);
  ASSERT_EQ(prefetch(kDevice0), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributeLastPrefetchLocation), 0);
  ASSERT_EQ(prefetch(kHost), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributeLastPrefetchLocation), cudaCpuDeviceId);
}

// "If any page in the memory range was never explicitly prefetched or if all pages were not
// prefetched to the same location, cudaInvalidDeviceId will be returned."
TEST_F(Managed, HasNoLastPrefetchWhereItsPagesDiffer) {
  ASSERT_EQ(prefetch(kDevice0, 0, 4), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributeLastPrefetchLocation), cudaInvalidDeviceId);
  ASSERT_EQ(prefetch(kHost, 4, 4), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributeLastPrefetchLocation), cudaInvalidDeviceId);
  EXPECT_EQ(get(cudaMemRangeAttributeLastPrefetchLocation, 0, 4), 0);
}

// "The result returned will be the last location type to which all pages in the memory range were
// prefetched explicitly"
TEST_F(Managed, TellsTheTypeOfTheLastPrefetch) {
  EXPECT_EQ(get<cudaMemLocationType>(cudaMemRangeAttributeLastPrefetchLocationType),
            cudaMemLocationTypeInvalid);
  ASSERT_EQ(prefetch(kDevice0), cudaSuccess);
  EXPECT_EQ(get<cudaMemLocationType>(cudaMemRangeAttributeLastPrefetchLocationType),
            cudaMemLocationTypeDevice);
  EXPECT_EQ(get(cudaMemRangeAttributeLastPrefetchLocationId), 0);
}

// "It gives no indication as to whether the prefetch operation to that location has completed or
// even begun."
TEST_F(Managed, IsPrefetchedInStreamOrder) {
  const cudaStream_t stream = make_stream();
  Gate gate;
  gate.hold(stream);
  ASSERT_EQ(cudaMemPrefetchAsync(memory_, kBytes, kDevice0, 0, stream), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributeLastPrefetchLocation), 0);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
}

// flags: "flags for future use, must be zero now."
TEST_F(Managed, IsPrefetchedWithoutFlagsToPlacesThatThereAre) {
  EXPECT_EQ(cudaMemPrefetchAsync(memory_, kBytes, kDevice0, 1, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(prefetch({cudaMemLocationTypeDevice, 999}), cudaErrorInvalidDevice);
  EXPECT_EQ(prefetch(kNowhere), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPrefetchAsync(memory_, 0, kDevice0, 0, nullptr), cudaErrorInvalidValue);
}

// "The memory range must refer to managed memory"
TEST_F(Managed, IsTheOnlyMemoryToAdvise) {
  void* device = nullptr;
  ASSERT_EQ(cudaMalloc(&device, kPage), cudaSuccess);
  int value = 0;
  EXPECT_EQ(cudaMemAdvise(device, kPage, cudaMemAdviseSetReadMostly, kNowhere),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemPrefetchAsync(device, kPage, kDevice0, 0, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemRangeGetAttribute(&value, 4, cudaMemRangeAttributeReadMostly, device, kPage),
            cudaErrorInvalidValue);
  EXPECT_EQ(advise(cudaMemAdviseSetReadMostly, kNowhere, 0, 9), cudaErrorInvalidValue)
      << "past the end";
}

// cudaErrorInvalidValue: "This indicates that one or more of the parameters passed to the API call
// is not within an acceptable range of values."
TEST_F(Managed, RefusesAdviceThatThereIsNot) {
  EXPECT_EQ(advise(static_cast<cudaMemoryAdvise>(7), kDevice0), cudaErrorInvalidValue);
  int value = 0;
  EXPECT_EQ(
      cudaMemRangeGetAttribute(&value, 4, static_cast<cudaMemRangeAttribute>(15), memory_, kBytes),
      cudaErrorInvalidValue);
}

// "data will be interpreted as a 32-bit integer, and dataSize must be 4." "dataSize must be a
// non-zero multiple of 4."
TEST_F(Managed, WantsTheSizeOfEachAttribute) {
  int values[2] = {};
  EXPECT_EQ(cudaMemRangeGetAttribute(values, 8, cudaMemRangeAttributeReadMostly, memory_, kBytes),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemRangeGetAttribute(values, 6, cudaMemRangeAttributeAccessedBy, memory_, kBytes),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemRangeGetAttribute(values, 0, cudaMemRangeAttributeAccessedBy, memory_, kBytes),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemRangeGetAttribute(nullptr, 4, cudaMemRangeAttributeReadMostly, memory_, kBytes),
            cudaErrorInvalidValue);
}

// cudaMemRangeGetAttributes: "The results of the query will be stored in data."
TEST_F(Managed, AnswersSeveralAttributesAtOnce) {
  ASSERT_EQ(advise(cudaMemAdviseSetReadMostly, kNowhere), cudaSuccess);
  ASSERT_EQ(prefetch(kDevice0), cudaSuccess);
  int read_mostly = 9;
  int prefetched = 9;
  void* data[] = {&read_mostly, &prefetched};
  std::size_t sizes[] = {4, 4};
  cudaMemRangeAttribute attributes[] = {cudaMemRangeAttributeReadMostly,
                                        cudaMemRangeAttributeLastPrefetchLocation};
  ASSERT_EQ(cudaMemRangeGetAttributes(data, sizes, attributes, 2, memory_, kBytes), cudaSuccess);
  EXPECT_EQ(read_mostly, 1);
  EXPECT_EQ(prefetched, 0);
  EXPECT_EQ(cudaMemRangeGetAttributes(data, sizes, nullptr, 2, memory_, kBytes),
            cudaErrorInvalidValue);
  sizes[1] = 3;
  EXPECT_EQ(cudaMemRangeGetAttributes(data, sizes, attributes, 2, memory_, kBytes),
            cudaErrorInvalidValue);
}

// "If data is smaller than the number of devices that have that advice set, then only as many
// devices will be returned as can fit in the array."
TEST_F(Managed, TellsOfAsManyDevicesAsFit) {
  ASSERT_EQ(advise(cudaMemAdviseSetAccessedBy, kHost), cudaSuccess);
  ASSERT_EQ(advise(cudaMemAdviseSetAccessedBy, kDevice0), cudaSuccess);
  const int one = get(cudaMemRangeAttributeAccessedBy);
  EXPECT_TRUE(one == 0 || one == cudaCpuDeviceId) << one;
}

// "it will be cudaInvalidDeviceId if either all the pages don't have the same preferred location or
// some of the pages don't have a preferred location at all"
TEST_F(Managed, PrefersNoPlaceAsAWholeWhereAPageDoesNot) {
  ASSERT_EQ(advise(cudaMemAdviseSetPreferredLocation, kHost, 0, 7), cudaSuccess);
  EXPECT_EQ(get(cudaMemRangeAttributePreferredLocation), cudaInvalidDeviceId);
  EXPECT_EQ(get(cudaMemRangeAttributePreferredLocation, 0, 7), cudaCpuDeviceId);
}

}  // namespace
}  // namespace cuda_simulator

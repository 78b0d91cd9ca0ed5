// The forms with _ptds and _ptsz: this file is compiled as a program with --default-stream
// per-thread is, so the null stream is the thread's.
#define CUDA_API_PER_THREAD_DEFAULT_STREAM
#include <atomic>
#include <thread>

#include "../runtime_fixture.h"

namespace cuda_simulator {
namespace {

class PerThread : public RuntimeTest {
 protected:
  static void set(void* data) { *static_cast<std::atomic<bool>*>(data) = true; }
  // Holds the thread's stream; the gate's own calls are this file's too.
  Gate gate_;
};

TEST_F(PerThread, QueryAndSynchronizeAreOfTheThreadsStream) {
  gate_.hold(cudaStreamPerThread);
  EXPECT_EQ(cudaStreamQuery(nullptr), cudaErrorNotReady);
  std::thread([] { EXPECT_EQ(cudaStreamQuery(nullptr), cudaSuccess); }).join();
  gate_.open();
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
}

TEST_F(PerThread, HostFunctionsGoThere) {
  gate_.hold(cudaStreamPerThread);
  std::atomic<bool> ran{false};
  ASSERT_EQ(cudaLaunchHostFunc(nullptr, set, &ran), cudaSuccess);
  EXPECT_FALSE(ran);
  gate_.open();
  EXPECT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
  EXPECT_TRUE(ran);
}

TEST_F(PerThread, CallbacksGoThere) {
  cudaStream_t seen = cudaStreamLegacy;
  ASSERT_EQ(cudaStreamAddCallback(
                nullptr,
                [](cudaStream_t, cudaError_t status, void* data) {
                  EXPECT_EQ(status, cudaSuccess);
                  *static_cast<cudaStream_t*>(data) = nullptr;
                },
                &seen, 0),
            cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
  EXPECT_EQ(seen, nullptr);
}

TEST_F(PerThread, EventsAreRecordedThere) {
  const cudaEvent_t event = make_event();
  gate_.hold(cudaStreamPerThread);
  ASSERT_EQ(cudaEventRecord(event, nullptr), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  gate_.open();
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaEventRecordWithFlags(event, nullptr, cudaEventRecordDefault), cudaSuccess);
}

TEST_F(PerThread, WaitsAreMadeThere) {
  const cudaStream_t stream = make_stream();
  const cudaEvent_t event = make_event();
  gate_.hold(stream);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(nullptr, event, 0), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(cudaStreamPerThread), cudaErrorNotReady);
  std::thread([] { EXPECT_EQ(cudaStreamQuery(cudaStreamPerThread), cudaSuccess); }).join();
  gate_.open();
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
}

TEST_F(PerThread, MemoryComesAndGoesThere) {
  void* pointer = nullptr;
  ASSERT_EQ(cudaMallocAsync(&pointer, 64, nullptr), cudaSuccess);
  gate_.hold(cudaStreamPerThread);
  ASSERT_EQ(cudaFreeAsync(pointer, nullptr), cudaSuccess);
  cudaMemPool_t pool = nullptr;
  ASSERT_EQ(cudaDeviceGetDefaultMemPool(&pool, 0), cudaSuccess);
  EXPECT_GT(used(pool), 0U) << "the free waits for the gate";
  gate_.open();
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(used(pool), 0U);
}

TEST_F(PerThread, PoolMemoryComesThere) {
  const cudaMemPool_t pool = make_pool();
  void* pointer = nullptr;
  ASSERT_EQ(cudaMallocFromPoolAsync(&pointer, 64, pool, nullptr), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(pointer, cudaStreamPerThread), cudaSuccess);
}

TEST_F(PerThread, AsynchronousCopiesAndFillsGoThere) {
  void* pointer = nullptr;
  ASSERT_EQ(cudaMalloc(&pointer, 4), cudaSuccess);
  gate_.hold(cudaStreamPerThread);
  ASSERT_EQ(cudaMemsetAsync(pointer, 1, 4, nullptr), cudaSuccess);
  int value = 5;
  ASSERT_EQ(cudaMemcpyAsync(pointer, &value, 4, cudaMemcpyHostToDevice, nullptr), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(nullptr), cudaErrorNotReady);
  gate_.open();
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
}

// cudaMemcpy and cudaMemset stand in the thread's stream, and so wait for no other thread's.
TEST_F(PerThread, SynchronousCopiesAndFillsStandThere) {
  Gate other;
  std::thread([&] { other.hold(cudaStreamPerThread); }).join();
  void* pointer = nullptr;
  int value = 5;
  ASSERT_EQ(cudaMalloc(&pointer, 4), cudaSuccess);
  ASSERT_EQ(cudaMemset(pointer, 0, 4), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(&value, pointer, 4, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(value, 0);
}

TEST_F(PerThread, QuestionsAreAboutIt) {
  unsigned long long null_id = 0;
  unsigned long long thread_id = 1;
  unsigned int flags = 9;
  int number = 9;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusActive;
  ASSERT_EQ(cudaStreamGetId(nullptr, &null_id), cudaSuccess);
  ASSERT_EQ(cudaStreamGetId(cudaStreamPerThread, &thread_id), cudaSuccess);
  EXPECT_EQ(null_id, thread_id);
  EXPECT_EQ(cudaStreamGetFlags(nullptr, &flags), cudaSuccess);
  EXPECT_EQ(cudaStreamGetPriority(nullptr, &number), cudaSuccess);
  EXPECT_EQ(cudaStreamGetDevice(nullptr, &number), cudaSuccess);
  EXPECT_EQ(number, 0);
  EXPECT_EQ(cudaStreamIsCapturing(nullptr, &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
}

// "It is illegal to attach singly to the NULL stream": here it is a stream of its own.
TEST_F(PerThread, ManagedMemoryIsAttachedAndPrefetchedThere) {
  void* managed = nullptr;
  ASSERT_EQ(cudaMallocManaged(&managed, 4096, cudaMemAttachGlobal), cudaSuccess);
  EXPECT_EQ(cudaStreamAttachMemAsync(nullptr, managed, 0, cudaMemAttachSingle), cudaSuccess);
  EXPECT_EQ(cudaMemPrefetchAsync(managed, 4096, {cudaMemLocationTypeDevice, 0}, 0, nullptr),
            cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
}

// cudaStreamLegacy: "Stream handle that can be passed as a cudaStream_t to use an implicit stream
// with legacy synchronization behavior."
TEST_F(PerThread, LegacyIsStillThere) {
  unsigned long long null_id = 0;
  unsigned long long legacy_id = 0;
  ASSERT_EQ(cudaStreamGetId(nullptr, &null_id), cudaSuccess);
  ASSERT_EQ(cudaStreamGetId(cudaStreamLegacy, &legacy_id), cudaSuccess);
  EXPECT_NE(null_id, legacy_id);
}

}  // namespace
}  // namespace cuda_simulator

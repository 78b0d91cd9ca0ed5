// What unloading is measured against: one cudaFreeAsync a block and one synchronize, on a pool set
// up as a model's. `free-async COUNT BYTES` allocates and frees COUNT blocks of BYTES once for each
// line on stdin, and answers the milliseconds that the freeing took.
#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

namespace {

void check(cudaError_t code, const char* call) {
  if (code == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", call, cudaGetErrorName(code));
  std::exit(EXIT_FAILURE);
}

cudaMemPool_t make_pool() {
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = 0;
  cudaMemPool_t pool = nullptr;
  check(cudaMemPoolCreate(&pool, &properties), "cudaMemPoolCreate");
  auto keep_all = std::numeric_limits<std::uint64_t>::max();
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep_all),
        "cudaMemPoolSetAttribute");
  return pool;
}

}  // namespace

int main(int count, char** arguments) {
  const auto blocks_wanted = count == 3 ? std::strtoull(arguments[1], nullptr, 10) : 0;
  const auto bytes = count == 3 ? std::strtoull(arguments[2], nullptr, 10) : 0;
  if (blocks_wanted == 0 || bytes == 0) {
    std::fputs("Expected how many blocks, and the bytes of each\n", stderr);
    return EXIT_FAILURE;
  }
  const cudaMemPool_t pool = make_pool();
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  std::vector<void*> blocks(blocks_wanted);
  const std::vector<char> data(bytes);
  for (int line = std::getchar(); line != EOF; line = std::getchar()) {
    if (line != '\n') continue;
    for (void*& block : blocks) {
      check(cudaMallocFromPoolAsync(&block, bytes, pool, stream), "cudaMallocFromPoolAsync");
    }
    // As loading does: what is freed was used, and the caches held other things since.
    for (void* block : blocks) {
      check(cudaMemcpyAsync(block, data.data(), bytes, cudaMemcpyHostToDevice, stream),
            "cudaMemcpyAsync");
    }
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
    const auto start = std::chrono::steady_clock::now();
    for (void* block : blocks) check(cudaFreeAsync(block, stream), "cudaFreeAsync");
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::printf("%.6f\n", took.count());
    std::fflush(stdout);
  }
  return EXIT_SUCCESS;
}

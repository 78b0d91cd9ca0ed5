// What loading is measured against: a plain loop of pread into one warm buffer, and memcpy from
// there to memory that was touched before. `read-copy FILE` does it once for each line on stdin,
// and answers the seconds that it took.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

int main(int count, char** arguments) {
  constexpr std::size_t buffer_bytes = 4UL
                                       << 20U;  // The fastest of 1, 4 and 16 MiB where measured.
  const int file = count == 2 ? open(arguments[1], O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) {
    std::fputs("Expected the path of a file that can be read\n", stderr);
    return EXIT_FAILURE;
  }
  const auto bytes = static_cast<std::size_t>(lseek(file, 0, SEEK_END));
  // Of whole pages: into others the kernel copies a third slower.
  const std::unique_ptr<char, decltype(&std::free)> buffer{
      static_cast<char*>(std::aligned_alloc(4096, buffer_bytes)), &std::free};
  if (!buffer) return EXIT_FAILURE;
  std::memset(buffer.get(), 1, buffer_bytes);
  const auto target = std::make_unique<char[]>(bytes);  // Zeroed, and so touched.
  for (int line = std::getchar(); line != EOF; line = std::getchar()) {
    if (line != '\n') continue;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t done = 0; done < bytes;) {
      const ssize_t got =
          pread(file, buffer.get(), std::min(buffer_bytes, bytes - done), static_cast<off_t>(done));
      if (got <= 0) {
        std::perror("pread");
        return EXIT_FAILURE;
      }
      std::memcpy(target.get() + done, buffer.get(), static_cast<std::size_t>(got));
      done += static_cast<std::size_t>(got);
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::printf("%.6f\n", took.count());
    std::fflush(stdout);
  }
  return target[bytes - 1] == 1 ? 2 : EXIT_SUCCESS;  // So that the copies are not left out.
}

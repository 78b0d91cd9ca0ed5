// Threads that read ranges of one file, each into the memory that its task names.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/file.h"

namespace cuda_shutdown {

struct ReadTask {
  std::size_t id = 0;  // The caller's.
  void* into = nullptr;
  std::size_t length = 0;
  std::uint64_t offset = 0;  // A multiple of File::alignment, as `into` is.
};

struct ReadDone {
  std::size_t id = 0;
  std::exception_ptr error;  // What File::read_bulk has thrown.
};

// Object lifetime. Belongs to one thread. A read cannot be called off, as from a file server that
// has gone, so its threads are never joined: at this object's end they end by themselves, at once
// or when their read comes back. Until then they write to the memory of their task: whoever owns
// that waits for `idle`.
class FileReaders {
 public:
  // Starts no thread before the first task, and `threads` at most.
  FileReaders(std::shared_ptr<const File> file, std::size_t threads);
  ~FileReaders();
  FileReaders(const FileReaders&) = delete;  // Its threads share its state.
  FileReaders& operator=(const FileReaders&) = delete;

  // Throws std::system_error when no thread can be started, std::bad_alloc.
  void submit(const ReadTask& task);
  // The next that is done, in any order; waits for `patience` at most.
  [[nodiscard]] std::optional<ReadDone> next(std::chrono::microseconds patience);
  // Forgets the tasks that no thread has begun.
  void drop_waiting();
  // Whether no thread is inside a read. Waits for `patience` at most.
  [[nodiscard]] bool idle(std::chrono::microseconds patience);

 private:
  struct State {
    explicit State(std::shared_ptr<const File> shared) : file(std::move(shared)) {}
    const std::shared_ptr<const File> file;
    std::mutex mutex;  // Guards everything below.
    std::condition_variable has_work;
    std::condition_variable has_news;
    std::deque<ReadTask> waiting;
    std::vector<ReadDone> done;  // Few: as many at most as the caller has chunks.
    std::size_t reading = 0;
    bool ended = false;
  };
  void start_thread();
  static void serve(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
  const std::size_t max_threads_;
  std::size_t threads_ = 0;
};

}  // namespace cuda_shutdown

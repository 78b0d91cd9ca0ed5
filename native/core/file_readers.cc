#include "core/file_readers.h"

#include <pthread.h>

#include <exception>
#include <thread>
#include <utility>

namespace cuda_shutdown {

FileReaders::FileReaders(std::shared_ptr<const File> file, std::size_t threads)
    : state_(std::make_shared<State>(std::move(file))), max_threads_(threads) {}

FileReaders::~FileReaders() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ended = true;
  }
  state_->has_work.notify_all();
}

void FileReaders::submit(const ReadTask& task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->waiting.push_back(task);
    // Here, where somebody can be told that there is no memory for it.
    state_->done.reserve(state_->done.size() + state_->reading + state_->waiting.size());
  }
  start_thread();
  state_->has_work.notify_one();
}

void FileReaders::start_thread() {
  if (threads_ == max_threads_) return;
  try {
    std::thread([state = state_] { serve(state); }).detach();
    ++threads_;
  } catch (const std::exception&) {
    if (threads_ == 0) throw;  // Else those that there are do all of it.
  }
}

std::optional<ReadDone> FileReaders::next(std::chrono::microseconds patience) {
  std::unique_lock lock(state_->mutex);
  if (!state_->has_news.wait_for(lock, patience, [this] { return !state_->done.empty(); })) {
    return std::nullopt;
  }
  ReadDone done = std::move(state_->done.front());
  state_->done.erase(state_->done.begin());
  return done;
}

void FileReaders::drop_waiting() {
  const std::lock_guard lock(state_->mutex);
  state_->waiting.clear();
}

bool FileReaders::idle(std::chrono::microseconds patience) {
  std::unique_lock lock(state_->mutex);
  return state_->has_news.wait_for(lock, patience, [this] { return state_->reading == 0; });
}

void FileReaders::serve(const std::shared_ptr<State>& state) {
  pthread_setname_np(pthread_self(), "cuda-file");
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->has_work.wait(lock, [&] { return state->ended || !state->waiting.empty(); });
    if (state->ended) return;
    const ReadTask task = state->waiting.front();
    state->waiting.pop_front();
    ++state->reading;
    lock.unlock();
    ReadDone done{task.id, nullptr};
    try {
      state->file->read_bulk(task.into, task.length, task.offset);
    } catch (...) {
      done.error = std::current_exception();
    }
    lock.lock();
    --state->reading;
    state->done.push_back(std::move(done));
    state->has_news.notify_one();
  }
}

}  // namespace cuda_shutdown

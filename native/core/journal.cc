#include "core/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <system_error>
#include <utility>

namespace cuda_shutdown {

namespace {

// `2026-01-02T03:04:05.678Z`, of the moment `ago_ms` ago.
std::array<char, 32> iso_time(long long ago_ms) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const long long ms = now.tv_sec * 1000LL + now.tv_nsec / 1'000'000 - ago_ms;
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ", static_cast<int>(ms % 1000));
  return text;
}

}  // namespace

Journal::~Journal() { close(); }

Journal::Journal(Journal&& other) noexcept { *this = std::move(other); }

Journal& Journal::operator=(Journal&& other) noexcept {
  if (this == &other) return *this;
  close();
  descriptor_ = std::exchange(other.descriptor_, -1);
  folder_ = std::move(other.folder_);
  path_ = other.path_;
  line_ = other.line_;
  length_ = other.length_;
  return *this;
}

void Journal::adopt(int descriptor) {
  close();
  if (descriptor < 0) return;
  descriptor_ = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "fcntl");
}

void Journal::close() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void Journal::prepare(const LastWords& words) noexcept {
  length_ = 0;
  path_[0] = '\0';
  if (descriptor_ < 0) {
    if (folder_.empty()) return;
    prepare_begin(words);
  } else {
    // The line before may have been cut off by a full disk.
    append("\n");
  }
  append(R"({"event":"watchdog","atMs":)");
  append_number(words.elapsed_ms);
  append(R"(,"exitCode":)");
  append_number(words.exit_code);
  append(R"(,"what":)");
  append_string(words.what);
  append(R"(,"pending":)");
  append_string(words.pending);
  append("}\n");
}

void Journal::prepare_begin(const LastWords& words) noexcept {
  const auto started = iso_time(words.elapsed_ms);
  std::array<char, 32> stem = started;
  const auto end = std::remove(stem.begin(), stem.end(), ':');
  std::fill(end, stem.end(), '\0');
  const int length = std::snprintf(path_.data(), path_.size(), "%s/%s-%d.journal.jsonl",
                                   folder_.c_str(), stem.data(), static_cast<int>(getpid()));
  if (length < 0 || static_cast<std::size_t>(length) >= path_.size()) path_[0] = '\0';
  append(R"({"event":"begin","version":1,"pid":)");
  append_number(getpid());
  append(R"(,"reason":)");
  append_string(words.reason);
  append(R"(,"startedAt":)");
  append_string(started.data());
  append("}\n");
}

void Journal::write_prepared() noexcept {
  if (length_ == 0) return;
  if (path_[0] != '\0') {
    descriptor_ = open(path_.data(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  }
  if (descriptor_ < 0) return;
  const char* rest = line_.data();
  while (length_ > 0) {
    const ssize_t written = write(descriptor_, rest, length_);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    rest += written;
    length_ -= static_cast<std::size_t>(written);
  }
  fdatasync(descriptor_);
}

void Journal::append(std::string_view text) noexcept {
  const std::size_t fits = std::min(text.size(), line_.size() - length_);
  std::memcpy(line_.data() + length_, text.data(), fits);
  length_ += fits;
}

void Journal::append_number(long long value) noexcept {
  std::array<char, 24> digits{};
  const int length = std::snprintf(digits.data(), digits.size(), "%lld", value);
  append({digits.data(), static_cast<std::size_t>(std::max(length, 0))});
}

void Journal::append_string(std::string_view text) noexcept {
  append("\"");
  for (const char character : text) {
    if (character == '"' || character == '\\') append("\\");
    if (static_cast<unsigned char>(character) >= 0x20U) {
      append({&character, 1});
      continue;
    }
    std::array<char, 8> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(character));
    append(escaped.data());
  }
  append("\"");
}

}  // namespace cuda_shutdown

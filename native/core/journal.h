// The last line of a shutdown's journal (lib/observers/journal), for the end that no JavaScript
// sees. Object lifetime; not thread-safe, its owner guards it.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace cuda_shutdown {

class Journal {
 public:
  // How the process is being ended, and what was known of it.
  struct LastWords {
    std::string_view what;
    std::string_view reason;
    std::string_view pending;
    long long elapsed_ms = 0;
    int exit_code = 0;
  };

  Journal() = default;
  ~Journal();
  Journal(const Journal&) = delete;  // Owns a descriptor.
  Journal& operator=(const Journal&) = delete;
  Journal& operator=(Journal&& other) noexcept;
  Journal(Journal&& other) noexcept;

  // Where a journal is made when none was adopted: the event loop may have been blocked all along.
  void set_folder(std::string_view path) { folder_ = path; }
  // Duplicates `descriptor`; a negative one is none. Throws std::system_error.
  void adopt(int descriptor);
  void close() noexcept;

  // Allocates nothing and calls nothing that can block; write_prepared() may block on a sick disk.
  void prepare(const LastWords& words) noexcept;
  void write_prepared() noexcept;

 private:
  void append(std::string_view text) noexcept;
  void append_number(long long value) noexcept;
  // A JSON string, escaped.
  void append_string(std::string_view text) noexcept;
  void prepare_begin(const LastWords& words) noexcept;

  int descriptor_ = -1;
  std::string folder_;
  std::array<char, 4200> path_{};  // Empty where the journal is there already.
  // Texts of 2,300 bytes at most (watchdog.h), of which escaping makes six times as much.
  std::array<char, 16'384> line_{};
  std::size_t length_ = 0;
};

}  // namespace cuda_shutdown

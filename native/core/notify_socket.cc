#include "core/notify_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

namespace cuda_shutdown {

namespace {

constexpr int full_queue_ms = 100;

class Socket {
 public:
  Socket() : descriptor_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "socket");
  }
  ~Socket() { close(descriptor_); }
  Socket(const Socket&) = delete;  // Owns a descriptor.
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  const int descriptor_;
};

}  // namespace

void notify_socket(std::string_view address, std::string_view text) {
  const auto failed = [](int error, const char* call) {
    return std::system_error(error, std::generic_category(), call);
  };
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (address.size() < 2 || (address[0] != '/' && address[0] != '@')) {
    throw failed(EAFNOSUPPORT, "NOTIFY_SOCKET");
  }
  if (address.size() >= sizeof(to.sun_path)) throw failed(ENAMETOOLONG, "NOTIFY_SOCKET");
  std::memcpy(to.sun_path, address.data(), address.size());
  const bool abstract = address[0] == '@';
  if (abstract) to.sun_path[0] = '\0';
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0 : 1));
  const Socket socket;
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), length) != 0) {
    throw failed(errno, "connect");
  }
  for (bool waited = false;; waited = true) {
    if (send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) >= 0) return;
    const int error = errno;
    pollfd ready{socket.get(), POLLOUT, 0};
    if (error != EAGAIN || waited || poll(&ready, 1, full_queue_ms) != 1) {
      throw failed(error, "send");
    }
  }
}

}  // namespace cuda_shutdown

// The address of a service manager, and what it is told: it arrives whole, or there is an error.
#include "core/notify_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <system_error>

#include "fuzz.h"

namespace {

// Takes what is sent to an abstract name of this process's.
class Receiver {
 public:
  Receiver() : name_("@cuda-shutdown-fuzz-" + std::to_string(getpid())) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    expect(bind(socket_, reinterpret_cast<const sockaddr*>(&address), length) == 0, "a socket");
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string take() const {
    std::string text(1U << 20U, '\0');
    const ssize_t length = recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
    expect(length >= 0, "a datagram");
    text.resize(static_cast<std::size_t>(length));
    return text;
  }

 private:
  const std::string name_;
  const int socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Receiver receiver;
  FuzzedDataProvider input(data, size);
  const bool ours = input.ConsumeBool();
  std::string address = input.ConsumeRandomLengthString(300);
  const std::string text = input.ConsumeRemainingBytesAsString();
  // Nobody else's socket.
  if (address.starts_with('/')) address.insert(0, "/nowhere");
  if (address.starts_with('@')) address.insert(1, "cuda-shutdown-fuzz-nobody");
  try {
    cuda_shutdown::notify_socket(ours ? receiver.name() : address, text);
    expect(ours && receiver.take() == text, "what was sent to arrive");
  } catch (const std::system_error& error) {
    expect(error.code().value() != 0, "an errno");
  }
  return 0;
}

// Datagrams to a service manager's socket, which the test opens itself.
#include "core/notify_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

namespace cuda_shutdown {
namespace {

// Bound to `address`, in which a leading `@` is the abstract namespace.
class Manager {
 public:
  explicit Manager(std::string_view address)
      : descriptor_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(&at.sun_path[0], address.data(), address.size());
    const bool abstract = address.front() == '@';
    if (abstract) at.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() +
                                               (abstract ? 0 : 1));
    EXPECT_EQ(bind(descriptor_, reinterpret_cast<const sockaddr*>(&at), length), 0)
        << std::strerror(errno);
  }
  ~Manager() { close(descriptor_); }
  Manager(const Manager&) = delete;  // Owns a descriptor.
  Manager& operator=(const Manager&) = delete;

  [[nodiscard]] std::string received() const {
    std::array<char, 256> text{};
    const ssize_t length = recv(descriptor_, text.data(), text.size(), MSG_DONTWAIT);
    return {text.data(), length < 0 ? 0 : static_cast<std::size_t>(length)};
  }

 private:
  const int descriptor_;
};

std::string abstract_address() {
  return "@cuda-shutdown-" + std::to_string(getpid()) + "-" +
         testing::UnitTest::GetInstance()->current_test_info()->name();
}

int error_of(std::string_view address) {
  try {
    notify_socket(address, "READY=1");
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

TEST(NotifySocket, ReachesAPath) {
  std::array<char, 32> folder{"/tmp/cuda-shutdown-XXXXXX"};
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = std::string(folder.data()) + "/notify";
  {
    const Manager manager(path);
    notify_socket(path, "READY=1\nSTATUS=serving");
    EXPECT_EQ(manager.received(), "READY=1\nSTATUS=serving");
    notify_socket(path, "STOPPING=1");
    EXPECT_EQ(manager.received(), "STOPPING=1");
  }
  EXPECT_EQ(error_of(path), ECONNREFUSED);
  unlink(path.c_str());
  rmdir(folder.data());
  EXPECT_EQ(error_of(path), ENOENT);
}

TEST(NotifySocket, ReachesTheAbstractNamespace) {
  const std::string address = abstract_address();
  const Manager manager(address);
  notify_socket(address, "WATCHDOG=1");
  EXPECT_EQ(manager.received(), "WATCHDOG=1");
}

TEST(NotifySocket, RefusesWhatIsNoAddress) {
  for (const std::string_view address : {"", "/", "@", "vsock:2:1", "relative/path"}) {
    EXPECT_EQ(error_of(address), EAFNOSUPPORT) << address;
  }
  EXPECT_EQ(error_of("/" + std::string(200, 'a')), ENAMETOOLONG);
}

TEST(NotifySocket, GivesUpOnAReceiverThatDoesNotRead) {
  const std::string address = abstract_address();
  const Manager manager(address);
  int error = 0;
  // The kernel's queue holds `net.unix.max_dgram_qlen`, often 10 or 512.
  for (int sent = 0; error == 0 && sent < 100'000; ++sent) error = error_of(address);
  EXPECT_EQ(error, EAGAIN);
  EXPECT_EQ(manager.received(), "READY=1");
  EXPECT_EQ(error_of(address), 0);
}

}  // namespace
}  // namespace cuda_shutdown

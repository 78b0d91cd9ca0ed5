// Tells a service manager (systemd's sd_notify protocol): one datagram to a unix socket, which
// Node has no means to send.
#pragma once

#include <string_view>

namespace cuda_shutdown {

// `address` is a path, or a name of the abstract namespace behind an `@`. Waits up to 100 ms for a
// receiver whose queue is full. Throws std::system_error.
void notify_socket(std::string_view address, std::string_view text);

}  // namespace cuda_shutdown

// What NVML, the driver's management library, knows of this process. Opened when first asked for,
// by name: it comes with the driver, and machines without one have none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace cuda_shutdown {

// Bytes that this process holds on the device, or nothing where NVML is missing, fails, or does not
// list this process, as in containers with a process namespace of their own. May hang with the
// driver (NVIDIA/open-gpu-kernel-modules#1333): call it on a thread that can be left behind.
[[nodiscard]] std::optional<std::uint64_t> nvml_process_bytes(const std::string& pci_bus_id);

}  // namespace cuda_shutdown

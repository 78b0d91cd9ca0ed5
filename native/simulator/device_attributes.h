// What a simulated device says of itself. No state.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <optional>
#include <string>

namespace cuda_simulator {

// None: a number that is no attribute.
std::optional<int> device_attribute(cudaDeviceAttr attribute, int ordinal, bool memory_pools);
cudaDeviceProp device_properties(int ordinal, std::uint64_t memory, bool memory_pools);
std::string pci_bus_id(int ordinal);
// In the form of pci_bus_id. None: not such an id.
std::optional<std::string> parse_pci_bus_id(const char* text);

}  // namespace cuda_simulator

// What a simulated device says of itself. No state.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <optional>
#include <string>

namespace cuda_simulator {

// None: an attribute that the simulator has no sensible value for.
std::optional<int> device_attribute(cudaDeviceAttr attribute, int ordinal, bool memory_pools);
cudaDeviceProp device_properties(int ordinal, std::uint64_t memory, bool memory_pools);
std::string pci_bus_id(int ordinal);

}  // namespace cuda_simulator

// The memory that a device keeps for graphs. There are no graphs, so it is always nothing.
#include <cstring>

#include "api.h"

using namespace cuda_simulator;

cudaError_t cudaDeviceGraphMemTrim(int ordinal) {
  return call_in_context(Function::DeviceGraphMemTrim, device_number(ordinal),
                         [](World&, Device&) { return cudaSuccess; });
}

cudaError_t cudaDeviceGetGraphMemAttribute(int ordinal, cudaGraphMemAttributeType attribute,
                                           void* value) {
  return call_in_context(Function::DeviceGetGraphMemAttribute, device_number(ordinal),
                         [&](World&, Device&) {
                           if (value == nullptr || attribute < cudaGraphMemAttrUsedMemCurrent ||
                               attribute > cudaGraphMemAttrReservedMemHigh) {
                             return cudaErrorInvalidValue;
                           }
                           const std::uint64_t none = 0;  // there are no graphs
                           std::memcpy(value, &none, sizeof(none));
                           return cudaSuccess;
                         });
}

cudaError_t cudaDeviceSetGraphMemAttribute(int ordinal, cudaGraphMemAttributeType attribute,
                                           void* value) {
  return call_in_context(Function::DeviceSetGraphMemAttribute, device_number(ordinal),
                         [&](World&, Device&) {
                           if (value == nullptr || (attribute != cudaGraphMemAttrUsedMemHigh &&
                                                    attribute != cudaGraphMemAttrReservedMemHigh)) {
                             return cudaErrorInvalidValue;
                           }
                           std::uint64_t mark = 0;
                           std::memcpy(&mark, value, sizeof(mark));
                           return mark == 0 ? cudaSuccess : cudaErrorInvalidValue;
                         });
}

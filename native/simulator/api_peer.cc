// Peer access: which device may reach which other's memory. Every two simulated devices may.
#include "api.h"

using namespace cuda_simulator;

cudaError_t cudaDeviceCanAccessPeer(int* can, int ordinal, int peer) {
  return call_without_context(
      Function::DeviceCanAccessPeer, device_number(ordinal), [&](World& world, ThreadState&) {
        if (world.devices.empty()) return cudaErrorNoDevice;
        if (world.device(ordinal) == nullptr || world.device(peer) == nullptr) {
          return cudaErrorInvalidDevice;
        }
        if (can == nullptr) return cudaErrorInvalidValue;
        *can = ordinal != peer ? 1 : 0;
        return cudaSuccess;
      });
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned int flags) {
  return call_in_context(
      Function::DeviceEnablePeerAccess, current_device(), [&](World& world, Device& device) {
        if (flags != 0) return cudaErrorInvalidValue;
        if (world.device(peer) == nullptr || peer == device.ordinal()) {
          return cudaErrorInvalidDevice;
        }
        return device.enable_peer(peer) ? cudaSuccess : cudaErrorPeerAccessAlreadyEnabled;
      });
}

cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  return call_in_context(
      Function::DeviceDisablePeerAccess, current_device(), [&](World& world, Device& device) {
        if (world.device(peer) == nullptr) return cudaErrorInvalidDevice;
        return device.disable_peer(peer) ? cudaSuccess : cudaErrorPeerAccessNotEnabled;
      });
}

cudaError_t cudaDeviceGetP2PAttribute(int* value, cudaDeviceP2PAttr attribute, int source,
                                      int destination) {
  return call_without_context(
      Function::DeviceGetP2PAttribute, device_number(source), [&](World& world, ThreadState&) {
        if (world.devices.empty()) return cudaErrorNoDevice;
        if (world.device(source) == nullptr || world.device(destination) == nullptr ||
            source == destination) {
          return cudaErrorInvalidDevice;
        }
        if (value == nullptr) return cudaErrorInvalidValue;
        switch (attribute) {
          case cudaDevP2PAttrAccessSupported:
          case cudaDevP2PAttrNativeAtomicSupported:
          case cudaDevP2PAttrCudaArrayAccessSupported:
            *value = 1;
            return cudaSuccess;
          case cudaDevP2PAttrPerformanceRank:
            *value = 0;
            return cudaSuccess;
          default:
            if (static_cast<int>(attribute) != 5) return cudaErrorInvalidValue;
            *value = 0;  // cudaDevP2PAttrOnlyPartialNativeAtomicSupported, new in CUDA 13
            return cudaSuccess;
        }
      });
}

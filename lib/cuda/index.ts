/** `cuda`: devices and their memory, in torch.cuda's names. Nothing is loaded before it is used. */

import { availableBackend, backend } from '../native/backend.js';
import { callNative } from '../native/failures.js';
import { type Device, deviceIndex } from './device.js';
import { emptyCache, processMemory, resetDevice, synchronize } from './maintenance.js';
import {
  maxMemoryAllocated,
  maxMemoryReserved,
  memoryAllocated,
  memoryReserved,
  memoryStats,
  resetAccumulatedMemoryStats,
  resetPeakMemoryStats,
} from './memory-stats.js';
import { memorySummary } from './memory-summary.js';

/** What a device is, as `cuda.getDeviceProperties()` reads it. */
export interface DeviceProperties {
  readonly index: number;
  readonly name: string;
  /** As nvidia-smi prints it: `GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`. */
  readonly uuid: string;
  /** `domain:bus:device.function` */
  readonly pciBusId: string;
  /** Bytes. */
  readonly totalMemory: number;
  readonly computeCapability: { readonly major: number; readonly minor: number };
  /** Whether the driver offers stream-ordered pools; without them there is no cache. */
  readonly memoryPoolsSupported: boolean;
}

/** The devices and their memory, in torch.cuda's names. Nothing is loaded before it is used. */
export const cuda = {
  /** Which runtime answers. `simulated` only where `CUDA_SHUTDOWN_BACKEND` says so. */
  get backend(): 'cuda' | 'simulated' | 'none' {
    return backend().kind;
  },

  /** Whether there is a device. */
  isAvailable(): boolean {
    return backend().deviceCount > 0;
  },

  /** Why there is none; undefined where there is one. */
  get unavailableReason(): { readonly code: string; readonly message: string } | undefined {
    return backend().unavailableReason;
  },

  deviceCount(): number {
    return backend().deviceCount;
  },

  /** @throws CudaUnavailableError, TypeError, RangeError */
  getDeviceProperties(device?: Device): DeviceProperties {
    const { addon } = availableBackend();
    return addon.getDeviceProperties(deviceIndex(device));
  },

  /**
   * Bytes free and in all, as the driver sees them: `cudaMemGetInfo`. As in torch, this creates the
   * device's context, which can cost hundreds of megabytes. Zeros without a device.
   *
   * @throws CudaError; Error when the device does not answer within 2 s.
   */
  memGetInfo(device?: Device): { readonly free: number; readonly total: number } {
    const index = deviceIndex(device);
    const { addon, deviceCount } = backend();
    return deviceCount === 0 ? { free: 0, total: 0 } : callNative(() => addon.memGetInfo(index));
  },

  memoryStats,
  memoryAllocated,
  maxMemoryAllocated,
  memoryReserved,
  maxMemoryReserved,
  memorySummary,
  resetPeakMemoryStats,
  resetAccumulatedMemoryStats,
  emptyCache,
  synchronize,
  resetDevice,
  processMemory,
};

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

/** What a device is. Source: `cudaGetDeviceProperties`. */
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

/**
 * Devices and their memory, in torch.cuda's names. Sizes are bytes. Reads of counters are synchronous;
 * work off the JavaScript thread is a promise.
 */
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

  /** How many devices there are: 0 where `isAvailable()` is false. */
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

  /** All counters of a device at once; zeros without a device. */
  memoryStats,
  /** Bytes in use of the device's pool: `cudaMemPoolAttrUsedMemCurrent`. */
  memoryAllocated,
  /** The most that `memoryAllocated()` has been since `resetPeakMemoryStats()`. */
  maxMemoryAllocated,
  /** Bytes that the device's pool holds, in use or cached: `cudaMemPoolAttrReservedMemCurrent`. */
  memoryReserved,
  /** The most that `memoryReserved()` has been since `resetPeakMemoryStats()`. */
  maxMemoryReserved,
  /** The counters as a table for people. */
  memorySummary,
  /** Sets every `peak` to its `current`, on one device or on all that have a context. @throws CudaError */
  resetPeakMemoryStats,
  /** Sets `allocated`, `freed` and `numOoms` to zero, on one device or on all that have a context. */
  resetAccumulatedMemoryStats,
  /**
   * Gives back what the caches hold, on one device or on all that have a context, and resolves with how
   * many bytes that were: `cudaMemPoolTrimTo`, `cudaDeviceGraphMemTrim`.
   * @throws (rejects with) AbortError, TimeoutError, CudaError; AggregateError where several devices failed
   */
  emptyCache,
  /**
   * Waits until everything that was given to the device, or to all that have a context, is done.
   * @throws (rejects with) AbortError, TimeoutError, CudaError; AggregateError where several devices failed
   */
  synchronize,
  /**
   * `cudaDeviceReset`: **breaks every other library in the process that uses the device**.
   * @throws (rejects with) ModelStateError while models of this package are on it; CudaError
   */
  resetDevice,
  /** What this process holds of the device, whoever allocated it; undefined where nobody knows. */
  processMemory,
};

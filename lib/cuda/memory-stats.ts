/** Counters of a device's memory, in torch.cuda's names. Reads only; never creates a context. */

import { backend } from '../native/backend.js';
import { callNative } from '../native/failures.js';
import type { NativeMemoryStats } from '../native/addon.js';
import { type Device, deviceIndex, devicesFor } from './device.js';

/** How much there is, and how much there was at most since the last reset. */
export interface Level {
  readonly current: number;
  readonly peak: number;
}

/** A count with what has come and gone since the beginning, or since the last reset. */
export interface Flow extends Level {
  /** The sum of all increases. */
  readonly allocated: number;
  /** The sum of all decreases. */
  readonly freed: number;
}

/**
 * `torch.cuda.memory_stats_as_nested_dict` in camelCase, as far as its keys hold for the driver's
 * stream-ordered pools. Bytes, save for `allocation` and `numOoms`, which count.
 */
export interface MemoryStats {
  /** Blocks that were asked for. */
  readonly allocation: { readonly all: Flow };
  /** Bytes as asked for. */
  readonly requestedBytes: { readonly all: Flow };
  /** Bytes in use of the pool: `cudaMemPoolAttrUsedMemCurrent` and `…UsedMemHigh`. */
  readonly allocatedBytes: { readonly all: Level };
  /** Bytes that the pool holds: `cudaMemPoolAttrReservedMemCurrent` and `…ReservedMemHigh`. */
  readonly reservedBytes: { readonly all: Level };
  /** How often an allocation failed with `cudaErrorMemoryAllocation`. */
  readonly numOoms: number;
}

const ZERO: NativeMemoryStats = {
  allocatedCurrent: 0,
  allocatedPeak: 0,
  reservedCurrent: 0,
  reservedPeak: 0,
  requestedCurrent: 0,
  requestedPeak: 0,
  requestedAllocated: 0,
  requestedFreed: 0,
  blocksCurrent: 0,
  blocksPeak: 0,
  blocksAllocated: 0,
  blocksFreed: 0,
  outOfMemory: 0,
};

function read(device: Device | undefined): NativeMemoryStats {
  const index = deviceIndex(device);
  const { addon, deviceCount } = backend();
  return deviceCount === 0 ? ZERO : callNative(() => addon.memoryStats(index));
}

export function memoryStats(device?: Device): MemoryStats {
  const stats = read(device);
  return {
    allocation: {
      all: {
        current: stats.blocksCurrent,
        peak: stats.blocksPeak,
        allocated: stats.blocksAllocated,
        freed: stats.blocksFreed,
      },
    },
    requestedBytes: {
      all: {
        current: stats.requestedCurrent,
        peak: stats.requestedPeak,
        allocated: stats.requestedAllocated,
        freed: stats.requestedFreed,
      },
    },
    allocatedBytes: { all: { current: stats.allocatedCurrent, peak: stats.allocatedPeak } },
    reservedBytes: { all: { current: stats.reservedCurrent, peak: stats.reservedPeak } },
    numOoms: stats.outOfMemory,
  };
}

export function memoryAllocated(device?: Device): number {
  return read(device).allocatedCurrent;
}

export function maxMemoryAllocated(device?: Device): number {
  return read(device).allocatedPeak;
}

export function memoryReserved(device?: Device): number {
  return read(device).reservedCurrent;
}

export function maxMemoryReserved(device?: Device): number {
  return read(device).reservedPeak;
}

/** Sets every `peak` to the `current` value. @throws CudaError */
export function resetPeakMemoryStats(device?: Device): void {
  const { addon } = backend();
  for (const index of devicesFor(device)) {
    callNative(() => {
      addon.resetPeakMemoryStats(index);
    });
  }
}

/** Sets `allocated`, `freed` and `numOoms` to zero. */
export function resetAccumulatedMemoryStats(device?: Device): void {
  const { addon } = backend();
  for (const index of devicesFor(device)) addon.resetAccumulatedMemoryStats(index);
}

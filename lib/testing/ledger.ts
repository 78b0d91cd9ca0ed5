/** What a simulated runtime holds on its devices, by its own count. Layout: native/simulator/ledger.h. */

import { readFileSync } from 'node:fs';

import { expected } from '../common/expected.js';
import type { NativeSimulator } from '../native/addon.js';

/** What one simulated device holds, and what was done on it. */
export interface DeviceLedger {
  /** Bytes of live allocations, as requested; falls when the stream reaches the free. */
  readonly usedBytes: number;
  /** Bytes taken from the device's memory: by pools and by `cudaMalloc`. */
  readonly reservedBytes: number;
  readonly liveAllocations: number;
  readonly totalAllocations: number;
  readonly totalFrees: number;
  readonly peakUsedBytes: number;
  readonly contextActive: boolean;
  /** 0, or the code that the device answers for ever. */
  readonly stickyError: number;
  /** Frees of pointers that were unknown, or freed before. */
  readonly invalidFrees: number;
  /** Created and not destroyed. */
  readonly liveStreams: number;
  readonly liveEvents: number;
  /** How often a fault acted in a call that concerns the device, also in one that still hangs. */
  readonly faultsActed: number;
}

/** What the simulated devices of a process hold. */
export interface Ledger {
  readonly pinnedHostBytes: number;
  readonly devices: readonly DeviceLedger[];
}

/** A ledger of a process, from the file that it keeps while it runs and leaves behind. */
export interface ProcessLedger extends Ledger {
  readonly pid: number;
  /** Of all runtime functions together. */
  readonly totalCalls: number;
}

const HEADER_BYTES = 64;
const DEVICE_BYTES = 128;

/**
 * Reads the `ledger` file of a process on a simulated runtime, also while it runs and when it was killed.
 *
 * @throws Error for a file that is no such ledger; what `fs.readFileSync` throws
 */
export function readLedger(path: string): ProcessLedger {
  const file = readFileSync(path);
  if (!isLedger(file)) throw new Error(expected('the file', 'a ledger of version 1', path));
  const word = (offset: number): number => Number(file.readBigUInt64LE(offset));
  return {
    pinnedHostBytes: word(16),
    pid: word(24),
    totalCalls: word(32),
    devices: Array.from({ length: file.readUInt32LE(12) }, (_, index) =>
      device((position) => word(HEADER_BYTES + index * DEVICE_BYTES + position * 8)),
    ),
  };
}

/** Whole: with all the devices that it says it has. */
function isLedger(file: Buffer): boolean {
  if (file.length < HEADER_BYTES || file.toString('latin1', 0, 8) !== 'CUDALEDG') return false;
  const [version, devices] = [file.readUInt32LE(8), file.readUInt32LE(12)];
  return version === 1 && file.length >= HEADER_BYTES + devices * DEVICE_BYTES;
}

export function ownLedger(simulator: NativeSimulator, devices: number): Ledger {
  return {
    pinnedHostBytes: simulator.pinnedHostBytes(),
    devices: Array.from({ length: devices }, (_, index) => {
      const words = simulator.deviceLedger(index);
      return device((position) => words[position] ?? 0);
    }),
  };
}

function device(field: (position: number) => number): DeviceLedger {
  return {
    usedBytes: field(0),
    reservedBytes: field(1),
    liveAllocations: field(2),
    totalAllocations: field(3),
    totalFrees: field(4),
    peakUsedBytes: field(5),
    contextActive: field(6) === 1,
    stickyError: field(7),
    invalidFrees: field(8),
    liveStreams: field(9),
    liveEvents: field(10),
    faultsActed: field(11),
  };
}

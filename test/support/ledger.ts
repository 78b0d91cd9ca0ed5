/** Reads the simulator's ledger, a file that outlives its process. Layout: native/simulator/ledger.h. */

import { readFileSync } from 'node:fs';

export interface DeviceLedger {
  readonly usedBytes: number;
  readonly reservedBytes: number;
  readonly liveAllocations: number;
  readonly totalAllocations: number;
  readonly totalFrees: number;
  readonly peakUsedBytes: number;
  readonly contextActive: boolean;
  /** 0, or the code that the device answers for ever. */
  readonly stickyError: number;
  readonly invalidFrees: number;
  readonly liveStreams: number;
  readonly liveEvents: number;
}

export interface Ledger {
  readonly pinnedHostBytes: number;
  readonly pid: number;
  readonly totalCalls: number;
  readonly devices: readonly DeviceLedger[];
}

const HEADER_BYTES = 64;
const DEVICE_BYTES = 128;

/** @throws Error for a file that is no ledger of this version. */
export function readLedger(path: string): Ledger {
  const file = readFileSync(path);
  if (file.toString('latin1', 0, 8) !== 'CUDALEDG' || file.readUInt32LE(8) !== 1) {
    throw new Error(`Not a ledger of version 1: ${path}`);
  }
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
  };
}

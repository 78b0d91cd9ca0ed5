// Reads the simulator's ledger. Layout: native/simulator/ledger.h.
import { readFileSync } from 'node:fs';

const HEADER_BYTES = 64;
const DEVICE_BYTES = 128;

/** What each device holds, and has given and got back, by the ledger's own count. */
export function readDevices(path) {
  const file = readFileSync(path);
  if (file.toString('latin1', 0, 8) !== 'CUDALEDG' || file.readUInt32LE(8) !== 1) {
    throw new Error(`Expected ${path} to be a ledger of version 1`);
  }
  return Array.from({ length: file.readUInt32LE(12) }, (_, index) => {
    const start = HEADER_BYTES + index * DEVICE_BYTES;
    const word = (position) => Number(file.readBigUInt64LE(start + position * 8));
    return {
      usedBytes: word(0),
      liveAllocations: word(2),
      totalAllocations: word(3),
      totalFrees: word(4),
      invalidFrees: word(8),
      liveStreams: word(9),
      liveEvents: word(10),
    };
  });
}

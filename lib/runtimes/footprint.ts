/** What the process holds before and after a disposal, and what that proves. */

import type { ProcessMemory } from '../common/device-memory.js';
import { readProcess } from '../cuda/measure.js';
import type { UnloadMemory } from '../models/unloadable.js';

/** How long a disposal waits for a reading at most, before and after it. */
const READING_MS = 250;

/** What may be missing of the bytes: the `bytes` option is a service's own estimate. */
const TOLERANCE = 0.1;

export interface Footprint {
  readonly rss: number;
  /** Of the device; undefined without one, and where it is not known. */
  readonly process: ProcessMemory | undefined;
}

export function hostFootprint(): Footprint {
  return { rss: process.memoryUsage.rss(), process: undefined };
}

/** Never rejects. */
export async function footprint(device: number | undefined): Promise<Footprint> {
  const held = device === undefined ? undefined : await readProcess(device, READING_MS);
  return { ...hostFootprint(), process: held };
}

export function compare(bytes: number, before: Footprint, after: Footprint): UnloadMemory {
  const held = { before: before.process, after: after.process };
  const measured = held.before !== undefined || held.after !== undefined;
  return {
    before: undefined,
    after: undefined,
    rss: { before: before.rss, after: after.rss },
    ...(measured ? { process: held } : {}),
    verified: verdict(bytes, held.before, held.after),
  };
}

/** In the difference of a device's free memory others count too: less came back proves nothing there. */
function verdict(
  bytes: number,
  before: ProcessMemory | undefined,
  after: ProcessMemory | undefined,
): UnloadMemory['verified'] {
  if (bytes === 0 || before === undefined || before.source !== after?.source) return 'unverifiable';
  if (before.bytes - after.bytes >= bytes * (1 - TOLERANCE)) return true;
  return before.source === 'nvml' ? false : 'unverifiable';
}

/** The counters of a device's memory, as a model comes and goes. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type SimulatedEnd } from '../support/simulated.js';

interface Reading {
  readonly stats: unknown;
  readonly allocated: number;
  readonly maxAllocated: number;
  readonly reserved: number;
  readonly maxReserved: number;
}

interface Told {
  readonly before: Reading;
  readonly loaded: Reading;
  readonly summary: string;
  readonly held: { readonly bytes: number; readonly source: string };
  readonly unloaded: Reading;
  readonly heldAfter: { readonly bytes: number };
  readonly reset: Reading;
  readonly emptied: { readonly releasedBytes: number };
  readonly afterEmptying: Reading;
  readonly heldAfterEmptying: { readonly bytes: number };
  readonly otherDevice: Reading;
  readonly otherHeld: { readonly value?: unknown; readonly error?: unknown };
}

const MIB = 2 ** 20;
/** Three tensors; the pool counts whole blocks of 512 bytes. */
const BYTES = 4 * MIB + 1000 + 4;
const ALLOCATED = 4 * MIB + 1024 + 512;

let end: SimulatedEnd<Told>;

beforeAll(async () => {
  const path = join(makeFolder(), 'model.safetensors');
  await writeSafetensors(path, [
    { name: 'large', dtype: 'F32', shape: [1024, 1024] },
    { name: 'small', dtype: 'U8', shape: [1000] },
    { name: 'scalar', dtype: 'F32', shape: [] },
    { name: 'empty', dtype: 'F32', shape: [0, 3] },
  ]);
  end = await runSimulated<Told>('cuda-counters.mjs', { devices: 2, args: [path, '1'] });
});

describe('the counters', () => {
  test('are zero before the first model', () => {
    expect(end.told.before).toMatchObject({ allocated: 0, maxAllocated: 0, reserved: 0 });
  });

  test('count a loaded model: as asked for, as allocated, as reserved', () => {
    const { loaded } = end.told;
    expect(loaded.stats).toEqual({
      allocation: { all: { current: 3, peak: 3, allocated: 3, freed: 0 } },
      requestedBytes: { all: { current: BYTES, peak: BYTES, allocated: BYTES, freed: 0 } },
      allocatedBytes: { all: { current: ALLOCATED, peak: ALLOCATED } },
      reservedBytes: { all: { current: loaded.reserved, peak: loaded.maxReserved } },
      numOoms: 0,
    });
    expect(loaded).toMatchObject({ allocated: ALLOCATED, maxAllocated: ALLOCATED });
    expect(loaded.reserved).toBeGreaterThanOrEqual(ALLOCATED);
    expect(loaded.maxReserved).toBe(loaded.reserved);
  });

  test('keep peaks, totals and the cache when it is unloaded', () => {
    const { loaded, unloaded } = end.told;
    expect(unloaded.stats).toMatchObject({
      allocation: { all: { current: 0, peak: 3, allocated: 3, freed: 3 } },
      requestedBytes: { all: { current: 0, peak: BYTES, allocated: BYTES, freed: BYTES } },
    });
    expect(unloaded).toMatchObject({
      allocated: 0,
      maxAllocated: ALLOCATED,
      reserved: loaded.reserved,
    });
  });

  test('are reset to what is held now', () => {
    const { loaded, reset } = end.told;
    expect(reset.stats).toMatchObject({
      allocation: { all: { current: 0, peak: 0, allocated: 0, freed: 0 } },
      requestedBytes: { all: { current: 0, peak: 0, allocated: 0, freed: 0 } },
    });
    expect(reset).toMatchObject({ maxAllocated: 0, maxReserved: loaded.reserved });
  });

  test('show that emptyCache gives the cache back, and how much it was', () => {
    const { loaded, emptied, afterEmptying } = end.told;
    expect(emptied).toEqual({ releasedBytes: loaded.reserved });
    expect(afterEmptying).toMatchObject({ allocated: 0, reserved: 0 });
    expect(end.ledger.devices[1]).toMatchObject({ usedBytes: 0, reservedBytes: 0 });
  });

  test('of another device stay zero', () => {
    expect(end.told.otherDevice).toMatchObject({ allocated: 0, reserved: 0, maxReserved: 0 });
  });
});

test('reading and cleaning up create no context on a device without one', () => {
  expect(end.ledger.devices.map(({ contextActive }) => contextActive)).toEqual([false, true]);
});

test('processMemory tells what the process holds, the cache included, and by which source', () => {
  const { loaded, held, heldAfter, heldAfterEmptying, otherHeld } = end.told;
  expect(held).toEqual({ bytes: loaded.reserved, source: 'device-delta' });
  expect(heldAfter.bytes).toBe(loaded.reserved);
  expect(heldAfterEmptying.bytes).toBe(0);
  expect(otherHeld).not.toHaveProperty('error');
  expect(otherHeld).not.toHaveProperty('value');
});

test('memorySummary is a table of them', () => {
  const [title, rule, head, , ...rows] = end.told.summary.split('\n');
  expect(title).toBe('Memory of device 1 (simulated), out of memory: 0');
  expect(rule).toMatch(/^-+$/);
  const cells = (line: string): string[] => line.split('|').map((cell) => cell.trim());
  expect(cells(head ?? '').slice(1, -1)).toEqual([
    'Metric',
    'Current',
    'Peak',
    'Total allocated',
    'Total freed',
  ]);
  expect(rows.map((row) => cells(row)[1]).slice(0, -1)).toEqual([
    'Allocated memory',
    'Reserved memory',
    'Requested memory',
    'Allocations',
  ]);
  expect(cells(rows[0] ?? '')[2]).toBe('4.00 MiB');
  expect(cells(rows[3] ?? '').slice(2, 6)).toEqual(['3', '3', '3', '0']);
  expect(new Set([head, ...rows].map((line) => line?.length)).size).toBe(1);
});

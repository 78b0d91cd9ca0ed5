/** The counters and the cache of the device under test, as a model comes and goes. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import type { MemoryStats } from '../../lib/index.js';
import { makeFolder } from '../support/folder.js';
import { runOnDevice, testBackend } from '../support/on-device.js';
import { writeSafetensors } from '../support/safetensors.js';

interface Reading {
  readonly stats: MemoryStats;
  readonly allocated: number;
  readonly maxAllocated: number;
  readonly reserved: number;
  readonly maxReserved: number;
}

interface Told {
  readonly before: Reading;
  readonly loaded: Reading;
  readonly summary: string;
  readonly held?: { readonly bytes: number; readonly source: string };
  readonly unloaded: Reading;
  readonly reset: Reading;
  readonly emptied: { readonly releasedBytes: number };
  readonly afterEmptying: Reading;
}

const MIB = 2 ** 20;
const TENSORS = 64;
const BYTES = TENSORS * 4 * MIB;
let told: Told;

beforeAll(async () => {
  const path = join(makeFolder(), 'model.safetensors');
  await writeSafetensors(
    path,
    Array.from({ length: TENSORS }, (_, index) => {
      return { name: `t${index}`, dtype: 'F32', shape: [1024, 1024] } as const;
    }),
  );
  ({ told } = await runOnDevice<Told>('cuda-counters.mjs', path, '0'));
});

describe('the counters', () => {
  test('are zero before the first model', () => {
    expect(told.before).toMatchObject({ allocated: 0, maxAllocated: 0, reserved: 0 });
  });

  test('count a loaded model as asked for, and the pool no less', () => {
    const { loaded } = told;
    expect(loaded.stats).toMatchObject({
      allocation: { all: { current: TENSORS, peak: TENSORS, allocated: TENSORS, freed: 0 } },
      requestedBytes: { all: { current: BYTES, peak: BYTES, allocated: BYTES, freed: 0 } },
      numOoms: 0,
    });
    expect(loaded.allocated).toBeGreaterThanOrEqual(BYTES);
    expect(loaded.reserved).toBeGreaterThanOrEqual(loaded.allocated);
    expect(loaded.maxAllocated).toBe(loaded.allocated);
    expect(loaded.maxReserved).toBe(loaded.reserved);
    expect(told.summary).toContain(`Memory of device 0 (${testBackend}), out of memory: 0`);
  });

  test('keep the peaks and the cache when it is unloaded', () => {
    const { loaded, unloaded } = told;
    expect(unloaded.stats).toMatchObject({
      allocation: { all: { current: 0, peak: TENSORS, freed: TENSORS } },
      requestedBytes: { all: { current: 0, peak: BYTES, freed: BYTES } },
    });
    expect(unloaded).toMatchObject({
      allocated: 0,
      maxAllocated: loaded.maxAllocated,
      reserved: loaded.reserved,
    });
  });

  test('are reset to what is held now', () => {
    expect(told.reset).toMatchObject({ maxAllocated: 0, maxReserved: told.loaded.reserved });
    expect(told.reset.stats.allocation.all).toEqual({
      current: 0,
      peak: 0,
      allocated: 0,
      freed: 0,
    });
  });

  test('show that emptyCache gives the cache back, and how much it was', () => {
    expect(told.emptied.releasedBytes).toBeGreaterThanOrEqual(told.loaded.reserved);
    expect(told.afterEmptying).toMatchObject({ allocated: 0, reserved: 0 });
  });
});

test('processMemory counts the model, by NVML where it can tell', () => {
  expect(told.held?.bytes).toBeGreaterThanOrEqual(BYTES);
  expect(['nvml', 'device-delta']).toContain(told.held?.source);
});

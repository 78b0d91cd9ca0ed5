/** Workers: each loads the addon, all share the devices, and a worker's end gives its memory back. */

import { beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated } from '../support/simulated.js';

const path = join(makeFolder(), 'model.safetensors');
const TENSORS = 40;

beforeAll(() =>
  writeSafetensors(
    path,
    Array.from({ length: TENSORS }, (_, index) => {
      return { name: `t${index}`, dtype: 'U8', shape: [1000] } as const;
    }),
  ),
);

test('two workers and the main thread use the devices side by side', async () => {
  const end = await runSimulated('addon-worker-ends.mjs', { args: [path] });
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.told).toMatchObject({
    own: TENSORS,
    together: 3 * TENSORS,
    codes: [0, 0],
    seen: Array.from({ length: 2 }, () => ({ backend: 'simulated', bytes: 1000 * TENSORS })),
    result: { status: 'unloaded', tensors: TENSORS },
  });
  expect(end.ledger.devices[0]).toMatchObject({
    usedBytes: 0,
    totalFrees: 3 * TENSORS,
    invalidFrees: 0,
  });
});

test('a worker that is terminated while it loads or unloads crashes nothing and leaks nothing', async () => {
  interface Told {
    readonly own: number;
    readonly rounds: readonly (readonly { readonly what: string }[])[];
    readonly result: unknown;
  }
  const end = await runSimulated<Told>('addon-workers.mjs', {
    args: [path],
    faults: 'cudaFreeAsync=slow:1,cudaMemcpyAsync=slow:1',
  });
  expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(end.told.rounds).toHaveLength(20);
  for (const round of end.told.rounds)
    expect(round).toMatchObject([{ what: 'unloads' }, { what: 'loads' }]);
  expect(end.told.result).toMatchObject({ status: 'unloaded', tensors: TENSORS });
  const { usedBytes, totalAllocations, totalFrees, invalidFrees } = end.ledger.devices[0] ?? {};
  expect({ usedBytes, totalFrees, invalidFrees }).toEqual({
    usedBytes: 0,
    totalFrees: totalAllocations,
    invalidFrees: 0,
  });
}, 60_000);

test('a worker that is terminated while a free of its model hangs: each block is freed once', async () => {
  const end = await runSimulated('addon-worker-hangs.mjs', {
    args: [path],
    faults: 'cudaFreeAsync#20=hang:600',
  });
  expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(end.told).toMatchObject({ before: TENSORS, after: 0 });
  expect(end.ledger.devices[0]).toMatchObject({
    usedBytes: 0,
    totalFrees: TENSORS,
    invalidFrees: 0,
  });
});

test('a worker that is terminated while its loaded model is delivered leaks nothing', async () => {
  const end = await runSimulated('addon-worker-delivery.mjs', { args: [path] });
  expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(end.told).toEqual({ hit: true, before: TENSORS, after: 0 });
  const { usedBytes, totalAllocations, totalFrees, invalidFrees } = end.ledger.devices[0] ?? {};
  expect({ usedBytes, totalFrees, invalidFrees }).toEqual({
    usedBytes: 0,
    totalFrees: totalAllocations,
    invalidFrees: 0,
  });
});

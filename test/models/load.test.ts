/** loadModel: what a loaded model says of itself, and what is then on the device. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { loadModel } from '../../lib/models/load-model.js';
import { makeFolder } from '../support/folder.js';
import { type TestTensor, writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type SimulatedEnd } from '../support/simulated.js';

interface Progress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

interface Told {
  readonly name: string;
  readonly device: number;
  readonly state: string;
  readonly bytes: number;
  readonly tensors: readonly [string, unknown][];
  readonly frozen: boolean;
  readonly progress: readonly Progress[];
  readonly unloading: readonly unknown[];
  readonly result: unknown;
  readonly finalState: string;
}

const path = join(makeFolder(), 'tiny.v2.safetensors');
const TENSORS: readonly TestTensor[] = [
  { name: 'weight', dtype: 'F16', shape: [3, 100] },
  { name: '__proto__', dtype: 'I64', shape: [2] },
  { name: '', dtype: 'U8', shape: [] },
  { name: 'empty', dtype: 'F32', shape: [0] },
];
const BYTES = 600 + 16 + 1;

beforeAll(() => writeSafetensors(path, TENSORS));

async function load(options: object = {}, devices = 2): Promise<SimulatedEnd<Told>> {
  const args = [JSON.stringify({ path, ...options })];
  const end = await runSimulated<Told>('models-load.mjs', { devices, args });
  expect(end).toMatchObject({ code: 0, signal: null });
  return end;
}

describe('a loaded model', () => {
  const loading = load();

  test('has a name, a device, a state and its bytes', async () => {
    const { told } = await loading;
    expect(told).toMatchObject({ name: 'tiny.v2', device: 0, state: 'loaded', bytes: BYTES });
  });

  test('has its tensors by name, in the order of the file', async () => {
    const { told } = await loading;
    expect(told.tensors).toEqual(
      TENSORS.map(({ name, dtype, shape }, index) => [
        name,
        { name, dtype, shape, bytes: [600, 16, 1, 0][index], device: 0 },
      ]),
    );
    expect(told.frozen).toBe(true);
  });

  test('has one block a tensor on its device, and no pinned memory left over', async () => {
    const loaded = (await loading).ledgerAt('loaded');
    expect(loaded.pinnedHostBytes).toBe(0);
    expect(loaded.devices).toMatchObject([
      { usedBytes: BYTES, liveAllocations: 3 },
      { usedBytes: 0, contextActive: false },
    ]);
  });

  test('tells its progress, the last time with all', async () => {
    const { progress } = (await loading).told;
    expect(progress.at(-1)).toEqual({ loadedBytes: BYTES, totalBytes: BYTES });
  });

  test('is unloaded, measured, and nothing is left', async () => {
    const { told, ledger } = await loading;
    expect(told.result).toEqual({
      name: 'tiny.v2',
      status: 'unloaded',
      freedBytes: BYTES,
      tensors: 3,
      durationMs: expect.any(Number),
      drainedLeases: 0,
      memory: {
        before: expect.objectContaining({ allocated: 1024 + 512 + 512 }),
        after: expect.objectContaining({ allocated: 0 }),
        verified: true,
      },
    });
    expect(told.finalState).toBe('unloaded');
    expect(told.unloading).toEqual([
      { phase: 'draining', freedBytes: 0, totalBytes: BYTES, leases: 0 },
      { phase: 'releasing', freedBytes: BYTES, totalBytes: BYTES, leases: 0 },
    ]);
    expect(ledger.devices[0]).toMatchObject({
      usedBytes: 0,
      liveAllocations: 0,
      invalidFrees: 0,
      liveStreams: 0,
      liveEvents: 0,
    });
  });
});

test('a model goes to the device and has the name that the options say', async () => {
  const { told, ledger } = await load({ name: 'encoder', device: 'cuda:1' });
  expect(told).toMatchObject({ name: 'encoder', device: 1, result: { name: 'encoder' } });
  expect(ledger.devices.map(({ contextActive }) => contextActive)).toEqual([false, true]);
});

test.each([
  [[undefined], 'the path of the model to be a non-empty string, got `undefined` (undefined)'],
  [[''], 'the path of the model to be a non-empty string, got `` (string)'],
  [['x', { name: '' }], 'the `name` option to be a non-empty string, got `` (string)'],
  [['x', { signal: 1 }], 'the `signal` option to be an AbortSignal, got `1` (number)'],
  [['x', { timeoutMs: '1' }], 'the `timeoutMs` option to be a positive number, got `1` (string)'],
  [['x', { device: [0] }], "the device to be an index, 'cuda' or 'cuda:N', got `Array(1)` (array)"],
  [['x', { onProgress: 1 }], 'the `onProgress` option to be a function, got `1` (number)'],
  [
    ['x', { devices: 1 }],
    'the option name to be one of name, device, signal, timeoutMs, onProgress, got',
  ],
])('loadModel(...%j) rejects with a TypeError', async (args, message) => {
  const loading = loadModel(...(args as unknown as Parameters<typeof loadModel>));
  await expect(loading).rejects.toThrow(TypeError);
  await expect(loading).rejects.toThrow(`Expected ${message}`);
});

/** The `device` option: 'auto', and a map that spreads a model. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { type ReadBack, sha256 } from '../support/round-trip.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type World } from '../support/simulated.js';

interface Told {
  readonly error?: unknown;
  readonly devices: readonly number[];
  readonly tensors: Readonly<Record<string, ReadBack>>;
  readonly result: unknown;
  readonly state: string;
  readonly again: { readonly error?: { readonly message: string } };
}

const path = join(makeFolder(), 'model.safetensors');
const NAMES = ['a.0.w', 'a.1.w', 'a.10.w', 'b.w', 'a.1'];
const TENSORS = NAMES.map((name, index) => {
  const data = randomBytes(1000 + index);
  return { name, dtype: 'U8', shape: [data.length], data } as const;
});
beforeAll(() => writeSafetensors(path, TENSORS));

function load(device: unknown, world: World = {}) {
  const args = [JSON.stringify({ path, device })];
  return runSimulated<Told>('models-round-trip.mjs', { devices: 3, args, ...world });
}

describe('a device map', () => {
  test('has the longest prefix win, by whole parts of a name', async () => {
    const { told, ledger } = await load({ a: 'cuda:2', 'a.1': 1, '': 0 });
    const devices = Object.entries(told.tensors).map(([name, { device }]) => [name, device]);
    expect(Object.fromEntries(devices)).toEqual({
      ...{ 'a.0.w': 2, 'a.1.w': 1, 'a.10.w': 2, 'b.w': 0, 'a.1': 1 },
    });
    for (const { name, data } of TENSORS) expect(told.tensors[name]?.sha256).toBe(sha256(data));
    expect(told).toMatchObject({
      devices: [0, 1, 2],
      state: 'unloaded',
      result: { freedBytes: 5010, tensors: 5, memory: { verified: true } },
    });
    expect(ledger.devices).toMatchObject(Array(3).fill({ usedBytes: 0, liveStreams: 0 }));
  });

  test.each<[unknown, RegExp]>([
    [{ a: 0 }, /the device map to be one with a device for each tensor, got `b\.w`/],
    [{}, /the device map to be an object with a device for each tensor/],
    [{ '': 3 }, /the device to be below 3, their number, got `3`/],
    [{ '': 'auto' }, /the device to be an index, 'cuda' or 'cuda:N', got `auto`/],
    ['cpu', /the device to be an index, 'cuda' or 'cuda:N', got `cpu`/],
  ])('%j is refused', async (device, message) => {
    const { told, ledger } = await load(device);
    expect(told.error).toMatchObject({
      name: 'RangeError',
      message: expect.stringMatching(message),
    });
    expect(ledger.devices[0]?.totalAllocations).toBe(0);
  });

  test('over a device that is lost frees the rest, and says which is lost', async () => {
    const { told, ledger } = await load({ a: 1, '': 0 }, { faults: 'cudaFreeAsync@1=sticky:719' });
    const rest = { freedBytes: 1003, remainingBytes: 4007 };
    const cause = { name: 'CudaError', device: 1, sticky: true };
    expect(told).toMatchObject({
      state: 'lost',
      unloaded: { error: { name: 'UnloadError', ...rest, cause } },
      again: { error: { name: 'UnloadError', ...rest } },
    });
    expect(told.again.error?.message).toMatch(/^The device 1 of the model model is lost/);
    expect(ledger.devices[0]).toMatchObject({ usedBytes: 0, liveStreams: 0 });
  });
});

describe("device: 'auto'", () => {
  test('takes the device with the most free memory', async () => {
    const args = [JSON.stringify({ path, device: 'auto', first: 0 })];
    const { told } = await runSimulated<Told>('models-round-trip.mjs', { devices: 2, args });
    expect(told).toMatchObject({ devices: [1], state: 'unloaded' });
  });

  test('takes the first of equal ones', async () => {
    expect((await load('auto')).told).toMatchObject({ devices: [0] });
  });

  test('takes no device that does not answer', async () => {
    const { told } = await load('auto', { faults: 'cudaMemGetInfo@0=error:2' });
    expect(told).toMatchObject({ devices: [1], state: 'unloaded' });
  });

  test('fails as the devices do, where none answers', async () => {
    const { told } = await load('auto', { faults: 'cudaMemGetInfo=error:2' });
    expect(told.error).toMatchObject({ name: 'CudaError', call: 'cudaMemGetInfo' });
  });
});

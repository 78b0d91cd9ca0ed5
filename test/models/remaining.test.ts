/** Which tensors are held after an unload that ended early: in its error, and in the report. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import type { RemainingTensors } from '../../lib/common/errors.js';
import { Model } from '../../lib/models/model.js';
import { NativeParts } from '../../lib/models/native-parts.js';
import { heldText, remainingOf } from '../../lib/models/remaining.js';
import { makeFolder } from '../support/folder.js';
import { FakeNativeTensors } from '../support/native-model.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated } from '../support/simulated.js';

const folder = makeFolder();
const in_ = (name: string): string => join(folder, name);

beforeAll(async () => {
  for (const name of ['first', 'second']) {
    await writeSafetensors(
      in_(name),
      Array.from({ length: 30 }, (_, index) => {
        return { name: `${name}.${index}`, dtype: 'U8', shape: [3000 - index] } as const;
      }),
    );
  }
});

describe('the list', () => {
  const tensors = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      return { name: `t${index}`, bytes: 100 + index, device: 0 };
    });

  test('is none where nothing is held', () => {
    expect(remainingOf([])).toBeUndefined();
    expect(heldText(undefined)).toBe('');
  });

  test('has the largest first, and the rest as a number', () => {
    const remaining = remainingOf(tensors(23));
    expect(remaining).toMatchObject({ others: 3, otherBytes: 100 + 101 + 102 });
    expect(remaining?.largest).toHaveLength(20);
    expect(remaining?.largest[0]).toEqual({ name: 't22', bytes: 122, device: 0 });
    expect(heldText(remaining)).toBe(
      '; still held: t22 (122 B), t21 (121 B), t20 (120 B) and 20 more',
    );
  });

  test('is whole where it is short', () => {
    expect(remainingOf(tensors(2))).toMatchObject({ others: 0, otherBytes: 0 });
    expect(heldText(remainingOf(tensors(2)))).toBe('; still held: t1 (101 B), t0 (100 B)');
  });
});

test('of a spread model it names the devices', () => {
  const parts = [new FakeNativeTensors(100, 0), new FakeNativeTensors(50, 3)];
  const native = new NativeParts(parts, [[{ name: 'a', bytes: 100 }], [{ name: 'b', bytes: 50 }]]);
  expect(native.heldTensors()).toEqual([
    { name: 'a', bytes: 100, device: 0 },
    { name: 'b', bytes: 50, device: 3 },
  ]);
  for (const part of parts.slice(0, 1)) part.freedBytes = part.bytes;
  expect(native.heldTensors()).toEqual([{ name: 'b', bytes: 50, device: 3 }]);
});

test('where the device does not confirm what was freed, the result names all of it', async () => {
  const part = new FakeNativeTensors(100, 0);
  const native = new NativeParts([part], [[{ name: 'a', bytes: 100 }]]);
  const unloading = new Model('m', new Map(), native).unload();
  const reading = { free: 0, total: 0, reserved: 0, allocated: 1000 };
  part.latest.settles('done', { before: reading, after: reading });
  expect(await unloading).toMatchObject({
    status: 'unloaded',
    memory: { verified: false },
    remainingTensors: { largest: [{ name: 'a', bytes: 100, device: 0 }], others: 0 },
  });
});

test('a tensor that CUDA refuses to free is named', async () => {
  const { told } = await runSimulated<{ first: object; second: object }>('models-unload.mjs', {
    faults: 'cudaFreeAsync#5=error:1',
    args: [JSON.stringify({ path: in_('first') })],
  });
  expect(told.first).toMatchObject({
    error: {
      name: 'UnloadError',
      message: expect.stringMatching(/; still held: first\.4 \(2\.93 KiB\)$/),
      remainingBytes: 2996,
      remainingTensors: {
        largest: [{ name: 'first.4', bytes: 2996, device: 0 }],
        others: 0,
        otherBytes: 0,
      },
    },
  });
  expect(told.second).toMatchObject({ value: { status: 'unloaded' } });
  expect(told.second).not.toHaveProperty('value.remainingTensors');
});

test('the report of a shutdown names what a stuck model holds, within bounds', async () => {
  interface Told {
    readonly models: readonly {
      readonly name: string;
      readonly remainingBytes: number;
      readonly remainingTensors?: RemainingTensors;
    }[];
    readonly errors: readonly { readonly message: string }[];
    readonly exitCode: number;
  }
  const run = async () => {
    const args = [in_('first'), in_('second')];
    const world = { faults: 'cudaFreeAsync#3=hang', args };
    const { told } = await runSimulated<Told>('models-still-held.mjs', world);
    const held = told.models.find(({ remainingTensors }) => remainingTensors !== undefined);
    return { told, held };
  };
  let { told, held } = await run();
  // unloadAll leaves an unload to itself 40 ms after its limit, which is soon on a busy machine.
  for (let again = 0; again < 10 && held === undefined; again += 1) ({ told, held } = await run());
  const others = told.models.filter((model) => model !== held);
  expect(others).toMatchObject([{ status: 'unloaded', remainingBytes: 0 }]);
  expect(held).toMatchObject({
    status: 'failed',
    remainingTensors: { largest: expect.any(Array), others: 8 },
  });
  const { largest = [], otherBytes = 0 } = held?.remainingTensors ?? {};
  expect(largest).toHaveLength(20);
  expect(largest[0]?.name).toBe(`${held?.name}.2`);
  const listedBytes = largest.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(listedBytes + otherBytes).toBe(held?.remainingBytes);
  expect(told.exitCode).toBe(1);
  expect(told.errors.map(({ message }) => message).join()).toMatch(
    /still held: \w+\.2 \(2\.93 KiB\), \w+\.3 \(2\.93 KiB\), \w+\.4 \(2\.93 KiB\) and 25 more/,
  );
});

/** Models on the device under test: read back, stopped while they are freed, too large for it. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { runOnDevice } from '../support/on-device.js';
import { type ReadBack, sha256 } from '../support/round-trip.js';
import { type TestTensor, writeSafetensors } from '../support/safetensors.js';

interface Settled {
  readonly value?: { readonly freedBytes: number };
  readonly error?: {
    readonly name: string;
    readonly cudaName?: string;
    readonly sticky?: boolean;
    readonly freedBytes: number;
    readonly remainingBytes: number;
  };
}

interface Round {
  readonly bytes: number;
  readonly first: Settled;
  readonly held: number;
  readonly second: Settled;
  readonly finalState: string;
}

const MIB = 2 ** 20;
const folder = makeFolder();

async function write(name: string, tensors: readonly TestTensor[]): Promise<string> {
  const path = join(folder, `${name}.safetensors`);
  await writeSafetensors(path, tensors);
  return path;
}

describe('a model of many sizes', () => {
  // Around a block of the pool, a chunk of a read, and a pinned buffer.
  const sizes = [1, 511, 512, 513, 4095, MIB - 1, 2 * MIB + 1, 32 * MIB + 7, 70 * MIB];
  const tensors = sizes.map((bytes, index) => {
    return { name: `t${index}`, dtype: 'U8', shape: [bytes], data: randomBytes(bytes) } as const;
  });
  let told: Record<'tensors', Record<string, ReadBack>> & Record<string, unknown>;

  beforeAll(async () => {
    const args = JSON.stringify({ path: await write('sizes', tensors) });
    ({ told } = await runOnDevice<typeof told>('models-round-trip.mjs', args));
  });

  test('is read back byte for byte', () => {
    for (const { name, data } of tensors) {
      expect({ name, ...told.tensors[name] }).toMatchObject({
        name,
        device: 0,
        bytes: data.length,
        sha256: sha256(data),
      });
    }
  });

  test('is unloaded, and that is verified', () => {
    expect(told.result).toMatchObject({
      status: 'unloaded',
      freedBytes: sizes.reduce((sum, each) => sum + each, 0),
      tensors: sizes.length,
      memory: { after: { allocated: 0 }, verified: true },
    });
    expect(told.state).toBe('unloaded');
  });
});

test('an abort at any moment leaves a true balance and a rest that can be freed', async () => {
  const tensors = Array.from({ length: 2000 }, (_, index) => {
    return { name: `t${index}`, dtype: 'U8', shape: [1 + (index % 97)] } as const;
  });
  const args = JSON.stringify({ path: await write('many', tensors), withinMs: 10 });
  const { told } = await runOnDevice<Round[]>('models-abort-anywhere.mjs', args);
  expect(told).toHaveLength(30);
  for (const { bytes, first, held, second, finalState } of told) {
    const freed = first.value?.freedBytes ?? first.error?.freedBytes ?? NaN;
    const remaining = first.error?.remainingBytes ?? 0;
    expect(freed + remaining).toBe(bytes);
    expect(remaining).toBeGreaterThanOrEqual(held);
    expect(second.value?.freedBytes).toBe(held);
    expect(finalState).toBe('unloaded');
  }
});

test('one that is larger than the device is refused, and what fits still loads', async () => {
  const { told: device } = await runOnDevice<{ readonly total: number }>('device-size.mjs');
  const args = JSON.stringify({
    // A hole in the file.
    path: await write('huge', [{ name: 'a', dtype: 'U8', shape: [device.total + 1024 * MIB] }]),
    goodPath: await write('small', [{ name: 'a', dtype: 'U8', shape: [MIB] }]),
  });
  const { told } = await runOnDevice<{
    readonly failures: readonly object[];
    readonly numOoms: number;
    readonly good: Settled;
  }>('models-load-fails.mjs', args);
  expect(told.failures).toMatchObject([
    { name: 'CudaError', cudaName: 'cudaErrorMemoryAllocation', sticky: false },
  ]);
  expect(told.numOoms).toBe(1);
  expect(told.good.value).toMatchObject({ status: 'unloaded', freedBytes: MIB });
});

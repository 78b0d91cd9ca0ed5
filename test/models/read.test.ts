/** model.read and pointers: what was loaded is what comes back, byte for byte. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { bitsPerElement, type Dtype } from '../../lib/models/safetensors/dtype.js';
import { makeFolder } from '../support/folder.js';
import { type ReadBack, sha256 } from '../support/round-trip.js';
import { tensorBytes, writeSafetensors } from '../support/safetensors.js';
import { runSimulated } from '../support/simulated.js';

interface Told {
  readonly tensors: Readonly<Record<string, ReadBack>>;
  readonly unknown: unknown;
  readonly late: unknown;
  readonly pointersAfter: readonly string[];
}

const path = join(makeFolder(), 'all.safetensors');
const DTYPES: readonly Dtype[] = [
  ...(['BOOL', 'F4', 'F6_E2M3', 'F6_E3M2', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0'] as const),
  ...(['F8_E4M3FNUZ', 'F8_E5M2FNUZ', 'I16', 'U16', 'F16', 'BF16', 'I32', 'U32', 'F32'] as const),
  ...(['C64', 'F64', 'I64', 'U64'] as const),
];
const MIB = 2 ** 20;
const shapes = [
  ...DTYPES.map((dtype) => ({ name: dtype, dtype, shape: [3, 8] })),
  { name: 'empty', dtype: 'F32' as const, shape: [0] },
  { name: 'scalar', dtype: 'U8' as const, shape: [] },
  { name: 'large', dtype: 'U8' as const, shape: [5 * MIB + 13] },
];
const TENSORS = shapes.map((tensor) => ({ ...tensor, data: randomBytes(tensorBytes(tensor)) }));

beforeAll(() => writeSafetensors(path, TENSORS));

describe('a tensor of every dtype, an empty one, a scalar and a large one', () => {
  const args = [JSON.stringify({ path })];
  let loading: ReturnType<typeof runSimulated<Told>>;

  // Not while the tests are collected: the file is not written then.
  beforeAll(() => {
    loading = runSimulated<Told>('models-round-trip.mjs', { args });
  });

  test('comes back as it was', async () => {
    expect(new Set(DTYPES.map((dtype) => bitsPerElement(dtype))).size).toBeGreaterThan(5);
    const { told } = await loading;
    for (const { name, data } of TENSORS) {
      expect([name, told.tensors[name]]).toEqual([
        name,
        { device: 0, pointer: expect.any(String), bytes: data.length, sha256: sha256(data) },
      ]);
    }
  });

  test('lies at a place of its own, aligned as CUDA gives it, until it is unloaded', async () => {
    const { told } = await loading;
    const { empty, ...others } = told.tensors;
    expect(empty?.pointer).toBe('0');
    const pointers = Object.values(others).map(({ pointer }) => BigInt(pointer));
    expect(new Set(pointers).size).toBe(TENSORS.length - 1);
    expect(pointers.filter((pointer) => pointer === 0n || pointer % 256n !== 0n)).toEqual([]);
    expect(new Set(told.pointersAfter)).toEqual(new Set(['undefined']));
  });

  test('holds no pinned memory once it was read', async () => {
    expect((await loading).ledgerAt('read').pinnedHostBytes).toBe(0);
    expect((await loading).ledger).toMatchObject({ pinnedHostBytes: 0 });
  });

  test('cannot be read by another name, nor after the unload', async () => {
    const { told } = await loading;
    expect(told.unknown).toMatchObject({
      error: {
        name: 'RangeError',
        message: 'Expected the tensor to be one of the model all, got `no such tensor` (string)',
      },
    });
    expect(told.late).toMatchObject({ error: { name: 'ModelStateError', state: 'unloaded' } });
  });
});

test.each([
  ['abort', { name: 'AbortError', cause: { thrown: 'enough' } }],
  ['timeout', { name: 'TimeoutError', code: 'ERR_TIMEOUT' }],
])('an %s in a copy that hangs: the model is kept until it comes back', async (end, error) => {
  // The load of 5 MiB takes three chunks: the fourth is the read's first.
  const { told } = await runSimulated<Record<string, { error?: unknown; value?: unknown }>>(
    'models-read-stuck.mjs',
    { args: [JSON.stringify({ path, end })], faults: 'cudaHostAlloc#4=hang:1500' },
  );
  expect(told.read).toMatchObject({ error });
  expect(told.early).toMatchObject({ error: { name: 'TimeoutError', freedBytes: 0 } });
  expect(told.result).toMatchObject({ value: { status: 'unloaded' } });
});

/** A model in several files, by its index: whole, or refused with a reason. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type SimulatedEnd, type World } from '../support/simulated.js';
import { type ReadBack, sha256 } from '../support/round-trip.js';

interface Told {
  readonly error?: { readonly message: string };
  readonly tensors: Readonly<Record<string, ReadBack>>;
}

const folder = makeFolder();
const data = (length: number) => randomBytes(length);
const DATA: Readonly<Record<string, Buffer>> = {
  ...{ 'embed.weight': data(3000), 'layers.0.weight': data(2 ** 20 + 5) },
  ...{ 'layers.1.weight': data(777), extra: data(10), 'head.weight': data(64) },
};
const MAP = {
  ...{ 'embed.weight': 'a.safetensors', 'layers.0.weight': 'a.safetensors' },
  ...{ 'layers.1.weight': 'sub/b.safetensors', 'head.weight': 'c.safetensors' },
};

function tensors(...names: string[]) {
  return names.map((name) => {
    const bytes = DATA[name] ?? Buffer.alloc(0);
    return { name, dtype: 'U8', shape: [bytes.length], data: bytes } as const;
  });
}

function index(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

beforeAll(async () => {
  mkdirSync(join(folder, 'sub'));
  await writeSafetensors(join(folder, 'a.safetensors'), tensors('embed.weight', 'layers.0.weight'));
  // One that the index leaves out, and one that it has elsewhere.
  await writeSafetensors(
    join(folder, 'sub/b.safetensors'),
    tensors('layers.1.weight', 'extra', 'embed.weight'),
  );
  // As in the cache of huggingface_hub.
  const blobs = makeFolder();
  await writeSafetensors(join(blobs, 'blob'), tensors('head.weight'));
  symlinkSync(join(blobs, 'blob'), join(folder, 'c.safetensors'));
});

async function load(
  path: string,
  options: object = {},
  world: World = {},
): Promise<SimulatedEnd<Told>> {
  const args = [JSON.stringify({ path, ...options })];
  const end = await runSimulated<Told>('models-round-trip.mjs', { devices: 2, args, ...world });
  expect(end).toMatchObject({ code: 0, signal: null });
  return end;
}

const TOTAL = Object.values(DATA).reduce((sum, bytes) => sum + bytes.length, 0);

describe('an index with all of its files', () => {
  const loading = (() => {
    const path = join(folder, 'model.safetensors.index.json');
    return () => {
      index('model.safetensors.index.json', {
        metadata: { total_size: 1 },
        weight_map: MAP,
      });
      return load(path);
    };
  })();

  test('is one model, in which every tensor is as it was', async () => {
    const { told } = await loading();
    expect(told).toMatchObject({ name: 'model', device: 0, devices: [0], bytes: TOTAL });
    expect(Object.keys(told.tensors).toSorted()).toEqual(Object.keys(DATA).toSorted());
    for (const [name, bytes] of Object.entries(DATA)) {
      expect([name, told.tensors[name]?.sha256]).toEqual([name, sha256(bytes)]);
    }
  });

  test('has one progress and one balance', async () => {
    const { told, ledger } = await loading();
    expect(told).toMatchObject({
      state: 'unloaded',
      result: { status: 'unloaded', freedBytes: TOTAL, tensors: 5, memory: { verified: true } },
    });
    const { progress } = told as unknown as { progress: { totalBytes: number }[] };
    expect(progress.at(-1)).toEqual({ loadedBytes: TOTAL, totalBytes: TOTAL });
    expect(ledger.devices[0]).toMatchObject({ usedBytes: 0, liveStreams: 0, invalidFrees: 0 });
    expect(ledger.pinnedHostBytes).toBe(0);
  });
});

test('an index and its files over two devices', async () => {
  const path = index('spread.safetensors.index.json', { weight_map: MAP });
  const end = await load(path, {
    device: { 'layers.1': 1, 'layers.0': 'cuda:1', '': 0 },
  });
  const { told, ledger } = end;
  expect(told).toMatchObject({ name: 'spread', device: 0, devices: [0, 1], bytes: TOTAL });
  expect(told.tensors).toMatchObject({
    'embed.weight': { device: 0 },
    'layers.0.weight': { device: 1, sha256: sha256(DATA['layers.0.weight']) },
    'layers.1.weight': { device: 1, sha256: sha256(DATA['layers.1.weight']) },
    'head.weight': { device: 0 },
  });
  expect(end.ledgerAt('loaded').devices).toMatchObject([
    { usedBytes: 3000 + 10 + 64 },
    { usedBytes: 2 ** 20 + 5 + 777 },
  ]);
  expect(ledger.devices).toMatchObject([{ usedBytes: 0 }, { usedBytes: 0 }]);
});

describe('an index that is not valid', () => {
  const INVALID = { name: 'SafetensorsError', reason: 'InvalidIndex' };
  const outside = 'to be one in its folder, got';

  test.each<[string, unknown, string]>([
    ['bad JSON', '{', 'to be JSON, got: '],
    ['an array', [], 'an object with an object `weight_map`, got `Array(0)` (array)'],
    ['no map', {}, 'an object with an object `weight_map`, got `undefined` (undefined)'],
    ['a map that is none', { weight_map: [] }, 'got `Array(0)` (array)'],
    ['no file name', { weight_map: { t: 1 } }, `${outside} \`1\` (number)`],
    ['an empty name', { weight_map: { t: '' } }, `${outside} \`\` (string)`],
    ['a path out', { weight_map: { t: 'sub/../../x' } }, `${outside} \`sub/../../x\``],
    ['an absolute path', { weight_map: { t: '/etc/passwd' } }, `${outside} \`/etc/passwd\``],
    ['a zero byte', { weight_map: { t: 'a\0' } }, outside],
    [
      'a tensor that its file lacks',
      { weight_map: { ...MAP, 'head.weight': 'a.safetensors' } },
      'to have the tensor head.weight, as the index',
    ],
  ])('%s: is refused before memory is taken', async (name, content, message) => {
    const path = index(`${name.replaceAll(' ', '-')}.index.json`, content);
    const { told, ledger } = await load(path);
    expect(told.error).toMatchObject(INVALID);
    expect(told.error?.message).toContain(message);
    expect(ledger.devices[0]).toMatchObject({ totalAllocations: 0 });
  });

  test('a tensor that it leaves out, and that is in two files', async () => {
    await writeSafetensors(join(folder, 'd.safetensors'), tensors('head.weight', 'extra'));
    const map = { ...MAP, 'head.weight': 'd.safetensors' };
    const { told } = await load(index('twice.index.json', { weight_map: map }));
    expect(told.error).toMatchObject(INVALID);
    expect(told.error?.message).toContain('the tensor extra, which the index');
    rmSync(join(folder, 'd.safetensors'));
  });

  test('a file that is missing', async () => {
    const map = { ...MAP, 'head.weight': 'gone.safetensors' };
    const { told } = await load(index('gone.index.json', { weight_map: map }));
    expect(told.error).toMatchObject({ code: 'ENOENT', path: join(folder, 'gone.safetensors') });
  });

  test('a file that is cut', async () => {
    const cut = join(folder, 'cut.safetensors');
    await writeSafetensors(cut, tensors('head.weight'));
    truncateSync(cut, 90);
    const map = { ...MAP, 'head.weight': 'cut.safetensors' };
    const { told } = await load(index('cut.index.json', { weight_map: map }));
    expect(told.error).toMatchObject({ reason: 'MetadataIncompleteBuffer' });
    expect(told.error?.message).toContain(cut);
  });
});

test('a part that fails: the others are given back before the promise rejects', async () => {
  const path = index('fails.safetensors.index.json', { weight_map: MAP });
  const end = await load(
    path,
    { device: { 'layers.1': 1, '': 0 } },
    { faults: 'cudaMallocFromPoolAsync@1=error:2' },
  );
  expect(end.told.error).toMatchObject({ name: 'CudaError', cudaCode: 2, device: 1 });
  const ledger = end.ledgerAt('loaded');
  for (const device of ledger.devices) {
    expect(device).toMatchObject({ usedBytes: 0, liveStreams: 0, liveEvents: 0 });
  }
  expect(ledger.pinnedHostBytes).toBe(0);
});

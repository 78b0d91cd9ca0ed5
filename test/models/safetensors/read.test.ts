/** Headers read from files: their sizes, their lies, and files that change. */

import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import {
  readSafetensorsHeader,
  type SafetensorsHeader,
} from '../../../lib/models/safetensors/header.js';
import {
  rawHeader,
  safetensorsFile,
  tensorBytes,
  writeSafetensors,
} from '../../support/safetensors.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'safetensors-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function read(file: string, size?: number): Promise<SafetensorsHeader> {
  const handle = await open(file);
  try {
    return await readSafetensorsHeader(handle, size, '`x`');
  } finally {
    await handle.close();
  }
}

let files = 0;
async function fileOf(bytes: Uint8Array): Promise<string> {
  files += 1;
  const file = path.join(folder, `${files}.safetensors`);
  await writeFile(file, bytes);
  return file;
}

/** A length field of `length` before the bytes of `header`. */
function lying(length: bigint, header = '{}'): Uint8Array {
  const file = rawHeader(header);
  new DataView(file.buffer).setBigUint64(0, length, true);
  return file;
}

const TENSORS = [
  { name: 'a', dtype: 'F32', shape: [2, 2] },
  { name: 'b', dtype: 'F4', shape: [6], data: Uint8Array.of(1, 2, 3) },
] as const;

describe('a file is read', () => {
  it('to its tensors, metadata and the start of its data', async () => {
    const bytes = safetensorsFile(TENSORS, { format: 'pt' });
    const { tensors, metadata, dataStart } = await read(await fileOf(bytes));
    expect([...tensors.values()]).toMatchObject([
      { name: 'a', bytes: 16, offset: dataStart },
      { name: 'b', bytes: 3, offset: dataStart + 16 },
    ]);
    expect([...metadata]).toEqual([['format', 'pt']]);
    expect(dataStart % 8).toBe(0);
    expect(bytes.subarray(dataStart + 16)).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('when it was written in pieces, as it would be in one', async () => {
    const file = path.join(folder, 'pieces.safetensors');
    await writeSafetensors(file, TENSORS, { format: 'pt' });
    expect(await read(file)).toEqual(
      await read(await fileOf(safetensorsFile(TENSORS, { format: 'pt' }))),
    );
  });

  it('when it holds 2,000 tensors in a terabyte', async () => {
    const file = path.join(folder, 'sparse.safetensors');
    const tensors = Array.from({ length: 2000 }, (_, i) => ({
      name: `layers.${i}`,
      dtype: 'BF16' as const,
      shape: [16_384, 16_384],
    }));
    await writeSafetensors(file, tensors);
    const { tensors: found, dataStart } = await read(file);
    expect(found.size).toBe(2000);
    expect(found.get('layers.1999')?.offset).toBe(dataStart + 1999 * 2 ** 29);
    expect(tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0)).toBe(2000 * 2 ** 29);
  });
});

describe('a file is refused', () => {
  it.each([0, 1, 7])('HeaderTooSmall: %d bytes', async (size) => {
    await expect(read(await fileOf(new Uint8Array(size)))).rejects.toMatchObject({
      reason: 'HeaderTooSmall',
      message: `Expected \`x\` to be at least 8 bytes long, as a safetensors file is, got ${size}`,
    });
  });

  it.each([100_000_001n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n])(
    'HeaderTooLarge: a length of %d',
    async (length) => {
      await expect(read(await fileOf(lying(length)))).rejects.toMatchObject({
        reason: 'HeaderTooLarge',
        message: `Expected the safetensors header of \`x\` to be at most 100000000 bytes long, got ${length}`,
      });
    },
  );

  it.each([3n, 4096n, 100_000_000n])('InvalidHeaderLength: a length of %d', async (length) => {
    const before = process.memoryUsage().arrayBuffers;
    await expect(read(await fileOf(lying(length)))).rejects.toMatchObject({
      reason: 'InvalidHeaderLength',
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });

  it('InvalidHeaderDeserialization: a length of 0', async () => {
    await expect(read(await fileOf(lying(0n)))).rejects.toMatchObject({
      reason: 'InvalidHeaderDeserialization',
    });
  });

  it('InvalidHeaderDeserialization: zeros of the largest length allowed', async () => {
    const file = await fileOf(lying(100_000_000n));
    await truncate(file, 8 + 100_000_000);
    await expect(read(file)).rejects.toMatchObject({ reason: 'InvalidHeaderDeserialization' });
  });

  it.each([-1, 1])('MetadataIncompleteBuffer: data of %d bytes more', async (more) => {
    const bytes = safetensorsFile(TENSORS);
    const file = await fileOf(bytes);
    await truncate(file, bytes.length + more);
    await expect(read(file)).rejects.toMatchObject({ reason: 'MetadataIncompleteBuffer' });
  });

  it.each([
    [4, 'HeaderTooSmall'],
    [50, 'InvalidHeaderLength'],
  ])('when it shrank to %d bytes after its size was taken: %s', async (left, reason) => {
    const bytes = safetensorsFile(TENSORS);
    const file = await fileOf(bytes);
    await truncate(file, left);
    await expect(read(file, bytes.length)).rejects.toMatchObject({ reason });
  });
});

describe("the system's own errors come as they are", () => {
  it('EISDIR for a directory', async () => {
    await expect(read(folder)).rejects.toMatchObject({ code: 'EISDIR' });
  });

  it('ENOENT for a file that is missing', async () => {
    await expect(read(path.join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('EBADF for a handle that is closed', async () => {
    const handle = await open(await fileOf(rawHeader('{}')));
    await handle.close();
    await expect(readSafetensorsHeader(handle)).rejects.toMatchObject({ code: 'EBADF' });
  });

  it('but not for a device without a size', async () => {
    await expect(read('/dev/zero')).rejects.toMatchObject({ reason: 'HeaderTooSmall' });
  });
});

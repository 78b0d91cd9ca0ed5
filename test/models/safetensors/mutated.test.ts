/**
 * Whatever is done to a valid file, it is taken with every tensor inside it, or refused with a reason.
 * `npm run fuzz:safetensors` tries 100,000 files; a failure prints the seed to try it again.
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

import { SafetensorsError, type SafetensorsReason } from '../../../lib/common/errors.js';
import { bitsPerElement } from '../../../lib/models/safetensors/dtype.js';
import {
  readSafetensorsHeader,
  type SafetensorsHeader,
} from '../../../lib/models/safetensors/header.js';
import { makeFolder } from '../../support/folder.js';
import { mutatedFile, validFile } from './mutations.js';

const RUNS = Number(process.env.CUDA_SHUTDOWN_FUZZ_RUNS ?? 2000);
/** A file takes well under 1 ms; this is for what grows with the square of its length. */
const LIMIT_MS = 5000;
const TEST_MS = 60_000 + RUNS * 20;

const REASONS: Record<Exclude<SafetensorsReason, 'InvalidIndex'>, true> = {
  HeaderTooSmall: true,
  HeaderTooLarge: true,
  InvalidHeaderLength: true,
  InvalidHeader: true,
  InvalidHeaderDeserialization: true,
  InvalidOffset: true,
  TensorInvalidInfo: true,
  MetadataIncompleteBuffer: true,
  ValidationOverflow: true,
  MisalignedSlice: true,
};

let handle: FileHandle;

beforeAll(async () => {
  handle = await open(join(makeFolder(), 'mutated.safetensors'), 'w+');
});

afterAll(async () => {
  await handle.close();
});

async function read(file: Uint8Array): Promise<SafetensorsHeader> {
  await handle.truncate(0);
  await handle.write(file, 0, file.length, 0);
  return readSafetensorsHeader(handle);
}

/** Every byte of the data is one tensor's. */
function expectCovered({ tensors, dataStart }: SafetensorsHeader, fileSize: number): void {
  let covered = dataStart;
  for (const [name, { name: own, dtype, shape, bytes, offset }] of tensors) {
    expect(own).toBe(name);
    expect(offset).toBe(covered);
    const elements = shape.reduce<bigint>((product, each) => product * BigInt(each), 1n);
    expect(BigInt(bytes) * 8n).toBe(elements * BigInt(bitsPerElement(dtype)));
    covered += bytes;
  }
  expect(covered).toBe(fileSize);
}

describe(`of ${RUNS} files by chance`, () => {
  test(
    'each that is valid is taken',
    async () => {
      expect.hasAssertions();
      await fc.assert(
        fc.asyncProperty(validFile, async (file) => {
          expectCovered(await read(file), file.length);
        }),
        { numRuns: Math.ceil(RUNS / 10) },
      );
    },
    TEST_MS,
  );

  test(
    'each that was changed is taken whole, or refused with a reason',
    async () => {
      const ends = new Map<string, number>();
      let slowestMs = 0;
      await fc.assert(
        fc.asyncProperty(mutatedFile, async (file) => {
          const startedAt = performance.now();
          const end = await endOf(file);
          const ms = performance.now() - startedAt;
          slowestMs = Math.max(slowestMs, ms);
          ends.set(end, (ends.get(end) ?? 0) + 1);
          expect(ms).toBeLessThan(LIMIT_MS);
        }),
        { numRuns: RUNS },
      );
      console.log({ slowestMs, ...Object.fromEntries(ends) });
      // Or the changes would be too many, or none.
      expect([...ends.keys()]).toEqual(
        expect.arrayContaining(['taken', 'InvalidHeaderDeserialization', 'InvalidOffset']),
      );
    },
    TEST_MS,
  );
});

async function endOf(file: Uint8Array): Promise<string> {
  let header: SafetensorsHeader;
  try {
    header = await read(file);
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    expect(REASONS).toHaveProperty(error.reason);
    expect(error.message).toMatch(/^Expected [^\p{Cc}]+, got [^\p{Cc}]+$/u);
    return error.reason;
  }
  expectCovered(header, file.length);
  return 'taken';
}

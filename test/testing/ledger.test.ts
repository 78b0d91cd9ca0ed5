/** Ledger files that are none, or not whole: an error that names the file, and nothing worse. */

import { beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readLedger } from '../../lib/testing/ledger.js';
import { runChild } from '../support/child.js';
import { makeFolder } from '../support/folder.js';
import { simulatedWorld } from '../support/simulated.js';

const path = join(makeFolder(), 'ledger');
let whole: Buffer;

beforeAll(async () => {
  const { env, ledger } = simulatedWorld({ devices: 3 });
  await runChild('cuda-backend.mjs', { env });
  whole = readFileSync(ledger);
});

function devicesOf(file: Uint8Array): number | undefined {
  writeFileSync(path, file);
  try {
    return readLedger(path).devices.length;
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toBe(
      `Expected the file to be a ledger of version 1, got \`${path}\` (string)`,
    );
    return undefined;
  }
}

test('a ledger is read, and one that was cut off is none', () => {
  expect(devicesOf(whole)).toBe(3);
  for (let length = 0; length < whole.length; length += 1) {
    expect(devicesOf(whole.subarray(0, length))).toBeUndefined();
  }
});

test('a ledger with other bytes holds no more devices than its file, or is none', () => {
  const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
      const file = Buffer.from(whole);
      for (const [at, byte] of changes) file[at] = byte;
      expect(devicesOf(file) ?? 0).toBeLessThanOrEqual(3);
    }),
    { numRuns: 500 },
  );
});

test('any other file is none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1000 }), (bytes) => {
      expect(devicesOf(bytes)).toBeUndefined();
    }),
  );
});

/** How a process ends while native work is under way: at once, with its own code, without a crash. */

import { beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { Child, type ChildEnd } from '../support/child.js';
import { makeFolder } from '../support/folder.js';
import { readLedger } from '../../lib/testing/ledger.js';
import { writeSafetensors } from '../support/safetensors.js';
import { simulatedWorld } from '../support/simulated.js';

const path = join(makeFolder(), 'model.safetensors');

beforeAll(() =>
  writeSafetensors(
    path,
    Array.from({ length: 2000 }, (_, index) => {
      return { name: `t${index}`, dtype: 'U8', shape: [4096] } as const;
    }),
  ),
);

/** How it ended, and how long after it had begun to end. */
async function endOf(
  situation: string,
  faults: string,
  how: string,
): Promise<ChildEnd & { readonly tookMs: number; readonly usedBytes: number | undefined }> {
  const { env, ledger } = simulatedWorld({ faults });
  const args = [JSON.stringify({ path, situation }), how];
  const child = new Child('addon-exit.mjs', { env, args });
  await child.saw('ing\n');
  const startedAt = performance.now();
  const end = await child.end;
  const [device] = readLedger(ledger).devices;
  return { ...end, tookMs: performance.now() - startedAt, usedBytes: device?.usedBytes };
}

/** A bare exit takes some 20 ms; the work under way would take two seconds, or for ever. */
const SOON_MS = 1000;

test.each([
  ['loading', 'cudaMemcpyAsync=slow:1'],
  ['unloading', 'cudaFreeAsync=slow:1'],
  ['hanging', 'cudaFreeAsync#9=hang'],
  ['stuck', 'cudaFreeAsync#9=hang'],
  ['loaded', ''],
  ['loaded', 'cudaStreamDestroy=hang'],
])('process.exit while a model is %s (%s)', async (situation, faults) => {
  const end = await endOf(situation, faults, 'by exit');
  expect(end).toMatchObject({ code: 7, signal: null, stderr: '' });
  expect(end.tookMs).toBeLessThan(SOON_MS);
  expect(end.usedBytes).toBeGreaterThan(0);
});

test.each([
  ['stuck', 'cudaFreeAsync#9=hang'],
  ['loaded', ''],
  ['loaded', 'cudaStreamDestroy=hang,cudaFreeAsync=hang'],
])('a natural end while a model is %s (%s)', async (situation, faults) => {
  const end = await endOf(situation, faults, 'by itself');
  expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(end.tookMs).toBeLessThan(SOON_MS);
  expect(end.usedBytes).toBeGreaterThan(0);
});

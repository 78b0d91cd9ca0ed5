/** The addon's own functions, called as nobody should: it never crashes, and its jobs settle all the same. */

import { beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated } from '../support/simulated.js';

const RUNS = Number(process.env.CUDA_SHUTDOWN_FUZZ_RUNS ?? 1000);
const SEED = Number(process.env.CUDA_SHUTDOWN_FUZZ_SEED ?? Date.now() % 2 ** 31);

const path = join(makeFolder(), 'model.safetensors');

beforeAll(() => writeSafetensors(path, [{ name: 'weights', dtype: 'U8', shape: [100_000] }]));

test(`arguments of every kind, ${RUNS} times for each way to call (seed ${SEED})`, async () => {
  const args = [JSON.stringify({ path, runs: RUNS, seed: SEED })];
  const end = await runSimulated<Record<string, number>>('addon-arguments.mjs', { args });
  // It ends by itself: no call that threw keeps the loop waiting for an answer.
  expect(end).toMatchObject({ code: 0, signal: null });
  console.log(end.told);
  expect(end.told.answered).toBeGreaterThan(0);
  expect(end.told.threw).toBeGreaterThan(0);
}, 120_000);

// Loads and unloads models, again and again, on two simulated devices, with aborts, timeouts and failing,
// slow and hanging CUDA calls by chance; then checks that nothing is left: no byte, no block, no thread.
//   npm run build:ts && node test/load/model-cycles.mjs --cycles 1000 [--seed 1] [--rss 0.05]
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readLedger } from '../../dist/testing/index.js';
import { writeModelFile } from '../../bench/model-file.mjs';
import { until } from '../fixtures/cuda-common.mjs';
import { faultsByChance, seeded } from './chance.mjs';

const TENSORS = 20;
const DEVICES = 2;
const EXPECTED_ERRORS = ['AbortError', 'TimeoutError', 'CudaError', 'UnloadError'];

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    rss: { type: 'string', default: '0.05' },
  },
});
const [cycles, seed, rssShare] = [values.cycles, values.seed, values.rss].map(Number);
console.log(`seed ${seed}`);
const chance = seeded(seed);
const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-cycles-'));
const ledger = path.join(folder, 'ledger');
Object.assign(process.env, {
  CUDA_SHUTDOWN_BACKEND: 'simulated',
  CUDA_SHUTDOWN_SIM_DEVICES: String(DEVICES),
  CUDA_SHUTDOWN_SIM_LEDGER: ledger,
  CUDA_SHUTDOWN_SIM_FAULTS: faultsByChance(chance, { cycles, tensors: TENSORS }),
});
const { cuda, loadModel } = await import('../../dist/index.js');
const file = path.join(folder, 'model.safetensors');
writeModelFile(file, TENSORS, 4096);

// What nobody refers to is no leak.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const threads = () => readdirSync('/proc/self/task').length;
const endings = {};

function count(ending) {
  endings[ending] = (endings[ending] ?? 0) + 1;
}

/** What came of it; throws what may not come of it. */
async function settled(what, promise) {
  try {
    const value = await promise;
    count(`${what}: done`);
    return { value };
  } catch (error) {
    if (!EXPECTED_ERRORS.includes(error.name)) throw error;
    count(`${what}: ${error.name}`);
    return { error };
  }
}

function limits() {
  const afterMs = chance() * TENSORS * 1.2;
  const kind = chance();
  if (kind < 0.4) return { signal: AbortSignal.timeout(Math.ceil(afterMs)) };
  return kind < 0.6 ? { timeoutMs: Math.max(1, afterMs) } : {};
}

async function unload(model) {
  for (let attempt = 0; model.state !== 'unloaded'; attempt += 1) {
    if (attempt === 100) throw new Error(`Expected the model to be unloaded, it is ${model.state}`);
    const { error } = await settled('unload', model.unload(attempt < 3 ? limits() : {}));
    if (error?.freedBytes !== undefined) {
      if (error.freedBytes + error.remainingBytes !== model.bytes) throw error;
    }
    if (model.state === 'stuck') {
      count('stuck');
      await until(() => model.state !== 'stuck');
    }
  }
}

async function cycle(index) {
  const device = `cuda:${index % DEVICES}`;
  const signal = chance() < 0.1 ? AbortSignal.timeout(Math.ceil(chance() * 4)) : undefined;
  const { value: model } = await settled('load', loadModel(file, { device, signal }));
  if (model !== undefined) await unload(model);
}

/** Chance can be early: a fault counts calls, of which there are more where something is waited for. */
async function warmUp(device) {
  for (let model; model === undefined;) {
    ({ value: model } = await settled('load', loadModel(file, { device })));
    if (model !== undefined) await unload(model);
  }
}

/** The first that does not hold is thrown. */
function check(what, holds, got) {
  if (!holds) throw new Error(`Expected ${what}, got ${JSON.stringify(got)}`);
}

function mean(numbers) {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

try {
  // Every thread that stays has begun then.
  for (let index = 0; index < DEVICES; index += 1) await warmUp(`cuda:${index}`);
  await sleep(100);
  const threadsBefore = threads();
  const rss = [];
  for (let index = 0; index < cycles; index += 1) {
    await cycle(index);
    collect();
    rss.push(process.memoryUsage.rss());
  }

  // A load that failed while a call hung gives back in the background.
  const empty = () => readLedger(ledger).devices.every((device) => device.liveAllocations === 0);
  await until(() => empty() && threads() <= threadsBefore).catch(() => undefined);
  const devices = readLedger(ledger).devices;
  for (const device of devices) {
    const { usedBytes, liveAllocations, totalAllocations, totalFrees } = device;
    check('no memory to be held', usedBytes === 0 && liveAllocations === 0, device);
    check('a free for each allocation', totalFrees === totalAllocations, device);
    check('no invalid free', device.invalidFrees === 0, device);
    check('no stream and no event', device.liveStreams + device.liveEvents === 0, device);
  }
  for (let index = 0; index < DEVICES; index += 1) {
    const { current } = cuda.memoryStats(index).requestedBytes.all;
    check('no byte in the statistics', current === 0, current);
  }
  check(`at most ${threadsBefore} threads`, threads() <= threadsBefore, threads());
  const tenth = Math.ceil(cycles / 10);
  const [first, last] = [rss.slice(tenth, 2 * tenth), rss.slice(-tenth)].map(mean);
  const growth = last / first - 1;
  const MiB = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(endings);
  console.log(
    `${cycles} cycles, ${mean(devices.map((device) => device.totalFrees)) * DEVICES} frees; RSS ` +
      `${MiB(first)} → ${MiB(last)} (${(growth * 100).toFixed(1)} %); ${threads()} threads, ` +
      `${threadsBefore} before; nothing left on the devices`,
  );
  check(`RSS to grow by at most ${rssShare * 100} %`, growth <= rssShare, growth);
} finally {
  rmSync(folder, { recursive: true });
}

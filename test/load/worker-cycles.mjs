// Starts worker threads that work with the addon and terminates them at random moments: while they load,
// unload, read, hold a model, empty the cache, shut down; then checks that nothing is left of them.
//   npm run build:ts && node test/load/worker-cycles.mjs --workers 1000 [--seed 1] [--rss 0.1]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { readLedger } from '../../dist/testing/index.js';
import { writeModelFile } from '../../bench/model-file.mjs';
import { GIVES_BACK } from './allocator.mjs';
import { faultsByChance, seeded } from './chance.mjs';
import { openDescriptors } from './descriptors.mjs';

if (process.env.MALLOC_ARENA_MAX !== GIVES_BACK.MALLOC_ARENA_MAX) {
  const env = { ...process.env, ...GIVES_BACK };
  process.exit(
    spawnSync(process.execPath, process.argv.slice(1), { env, stdio: 'inherit' }).status,
  );
}

const TENSORS = 20;
const DEVICES = 2;
const AT_A_TIME = 4;
const WAYS = ['loads', 'unloads', 'holds', 'reads', 'maintains', 'aborts', 'shutsDown', 'exits'];
/** What CUDA refused to take back is tried again for ten seconds. */
const GIVEN_BACK_MS = 30_000;

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    rss: { type: 'string', default: '0.1' },
  },
});
const [workers, seed, rssShare] = [values.workers, values.seed, values.rss].map(Number);
console.log(`seed ${seed}`);
const chance = seeded(seed);
const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-workers-'));
const ledger = path.join(folder, 'ledger');
Object.assign(process.env, {
  CUDA_SHUTDOWN_BACKEND: 'simulated',
  CUDA_SHUTDOWN_SIM_DEVICES: String(DEVICES),
  CUDA_SHUTDOWN_SIM_LEDGER: ledger,
  CUDA_SHUTDOWN_SIM_FAULTS: faultsByChance(chance, { cycles: workers, tensors: TENSORS }),
});
const { cuda, loadModel } = await import('../../dist/index.js');
const file = path.join(folder, 'model.safetensors');
writeModelFile(file, TENSORS, 4096);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
/** By name; one that ends meanwhile is none. */
function threadNames() {
  return readdirSync('/proc/self/task').flatMap((id) => {
    try {
      return [readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()];
    } catch {
      return [];
    }
  });
}
const threads = () => threadNames().length;
const descriptors = () => openDescriptors('self', file);
const blocks = () => readLedger(ledger).devices.map((device) => device.liveAllocations);
const endings = {};

/** One worker from its start to its end, which comes at a moment by chance. */
async function cycle(index) {
  const what = WAYS[index % WAYS.length];
  const workerData = { path: file, what, device: `cuda:${Math.floor(chance() * DEVICES)}` };
  const early = chance() < 0.2;
  const afterMs = chance() * (early ? 60 : TENSORS * 1.5);
  const worker = new Worker(new URL('cycling-worker.mjs', import.meta.url), { workerData });
  let failure;
  worker.once('error', (error) => (failure = error));
  const exited = once(worker, 'exit');
  const working = once(worker, 'message', { signal: AbortSignal.timeout(60_000) });
  if (!early) await Promise.race([working, exited]);
  else working.catch(() => undefined);
  const endedItself = await Promise.race([sleep(afterMs, false), exited.then(() => true)]);
  await worker.terminate();
  await exited;
  if (failure !== undefined) throw failure;
  const ending = `${what}: ${endedItself ? 'ended' : early ? 'terminated early' : 'terminated'}`;
  endings[ending] = (endings[ending] ?? 0) + 1;
}

function check(what, holds, got) {
  if (!holds) throw new Error(`Expected ${what}, got ${JSON.stringify(got)}`);
}

function checkDescriptors(before, after) {
  check(
    `at most ${before.others.length} descriptors`,
    after.others.length <= before.others.length,
    after,
  );
  check('no descriptor of the addon', after.addons === 0, after);
}

async function eventually(holds) {
  for (const startedAt = performance.now(); !holds();) {
    if (performance.now() - startedAt > GIVEN_BACK_MS) return;
    await sleep(20);
  }
}

function mean(numbers) {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

const MiB = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

try {
  const own = [];
  for (let index = 0; index < DEVICES; index += 1) {
    own.push(await loadModel(file, { device: `cuda:${index}` }));
    await own[index].read('tensor.0');
    await cuda.processMemory(index);
  }
  const ownBlocks = JSON.stringify(blocks());
  let before;
  const rss = [];
  for (let begun = 0; begun < workers; begun += AT_A_TIME) {
    await Promise.all(Array.from({ length: AT_A_TIME }, (_, index) => cycle(begun + index)));
    collect();
    rss.push(process.memoryUsage.rss());
    if (begun < 2 * WAYS.length) {
      await eventually(() => JSON.stringify(blocks()) === ownBlocks);
      before = { threads: threads(), descriptors: descriptors() };
    }
  }
  const gone = () => JSON.stringify(blocks()) === ownBlocks && threads() <= before.threads;
  await eventually(gone);
  const after = { threads: threads(), descriptors: descriptors() };
  check(`the main thread's blocks ${ownBlocks}`, JSON.stringify(blocks()) === ownBlocks, blocks());
  check(`at most ${before.threads} threads`, after.threads <= before.threads, threadNames());
  checkDescriptors(before.descriptors, after.descriptors);
  for (const model of own) while (model.state !== 'unloaded') await model.unload().catch(() => 0);
  await eventually(() => blocks().every((count) => count === 0));
  const devices = readLedger(ledger).devices;
  for (const [index, device] of devices.entries()) {
    check('no memory to be held', device.usedBytes === 0 && device.liveAllocations === 0, device);
    check('a free for each allocation', device.totalFrees === device.totalAllocations, device);
    check('no invalid free', device.invalidFrees === 0, device);
    check('no stream and no event', device.liveStreams + device.liveEvents === 0, device);
    const { current } = cuda.memoryStats(index).requestedBytes.all;
    check('no byte in the statistics', current === 0, current);
  }
  const tenth = Math.ceil(rss.length / 10);
  const [first, last] = [rss.slice(tenth, 2 * tenth), rss.slice(-tenth)].map(mean);
  const growth = last / first - 1;
  console.log(endings);
  console.log(
    `${workers} workers; RSS ${MiB(first)} → ${MiB(last)} (${(growth * 100).toFixed(1)} %); ` +
      `${after.threads} threads, ${before.threads} before; ${after.descriptors.others.length} ` +
      `descriptors, ${before.descriptors.others.length} before, and ${after.descriptors.nodes} of ` +
      `opens that Node did not finish; nothing left on the devices`,
  );
  check(`RSS to grow by at most ${rssShare * 100} %`, growth <= rssShare, growth);
} finally {
  rmSync(folder, { recursive: true });
}

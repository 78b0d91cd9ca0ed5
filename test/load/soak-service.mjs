// The service of soak.mjs: five models of which three fit, requests that hold leases, idle unloading,
// aborts, clean-up of the cache, worker threads, and faults of the device by chance, until SIGTERM.
import http from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import {
  createShutdown,
  cuda,
  cudaCleanup,
  healthServer,
  httpServer,
  loadModel,
  ModelRegistry,
  unloadModels,
  workerThreads,
} from '../../dist/index.js';
import { callCount, injectFault } from '../../dist/testing/index.js';
import { seeded } from './chance.mjs';

const { file, bytes, reports, seed } = JSON.parse(process.argv[2]);
const MODELS = 5;
const DEVICES = 2;
const WORKER_WAYS = ['loads', 'unloads', 'holds', 'reads', 'maintains', 'aborts', 'exits'];
const FAULTS = [
  'cudaFreeAsync#1=error:999',
  'cudaFreeAsync#3=hang:60',
  'cudaMallocFromPoolAsync#2=error:2',
  'cudaMemcpyAsync#2=error:999',
  'cudaMemcpyAsync#2=hang:40',
  'cudaHostAlloc#1=error:2',
  'cudaEventRecord#1=error:999',
  'cudaMemGetInfo#1=error:999',
];
/** What a service answers 503 to; anything else is a fault of the package. */
const EXPECTED_ERRORS = [
  'AbortError',
  'TimeoutError',
  'CudaError',
  'UnloadError',
  'ModelBudgetError',
  'ModelStateError',
];

const chance = seeded(seed);
const models = new ModelRegistry({ budget: Math.ceil(3 * bytes) });
const counts = { accepted: 0, answered: 0, unexpected: 0 };
function count(what) {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** The first few; one alone fails the soak. */
function unexpected(error) {
  count('unexpected');
  if (counts.unexpected < 5) console.error(error);
}

async function expected(what, work) {
  try {
    const value = await work();
    count(`${what}: done`);
    return value;
  } catch (error) {
    count(`${what}: ${error.name}`);
    if (!EXPECTED_ERRORS.includes(error.name)) unexpected(error);
    return undefined;
  }
}

const loading = new Map();

async function load(name, device, signal) {
  // One whose unload was aborted, or failed, is in the way until the rest of it is freed.
  await models.get(name)?.unload();
  return models.admit({ bytes, device }, (context) => {
    const ends = AbortSignal.any([context.signal, ...(signal ? [signal] : [])]);
    return loadModel(file, { name, device, signal: ends });
  });
}

/** The model, loaded at most once at a time. */
function modelNamed(name, device, signal) {
  const there = models.get(name);
  if (there?.state === 'loaded') return there;
  if (!loading.has(name)) {
    loading.set(
      name,
      load(name, device, signal).finally(() => loading.delete(name)),
    );
  }
  return loading.get(name);
}

async function infer() {
  const index = Math.floor(chance() ** 2 * MODELS);
  const aborts = chance() < 0.05 ? AbortSignal.timeout(1 + Math.floor(chance() * 8)) : undefined;
  const model = await modelNamed(`model-${index}`, `cuda:${index % DEVICES}`, aborts);
  const lease = model.acquire();
  try {
    if (chance() < 0.05) await model.read('tensor.3');
    await sleep(1 + chance() * 10);
  } finally {
    lease.release();
  }
}

async function unloadOne() {
  const model = models.get(`model-${Math.floor(chance() * MODELS)}`);
  if (model === undefined) return;
  await model.unload(
    chance() < 0.5 ? { signal: AbortSignal.timeout(Math.ceil(chance() * 20)) } : {},
  );
}

async function oneWorker() {
  const what = WORKER_WAYS[Math.floor(chance() * WORKER_WAYS.length)];
  const workerData = { path: file, what, device: `cuda:${Math.floor(chance() * DEVICES)}` };
  const worker = new Worker(new URL('cycling-worker.mjs', import.meta.url), { workerData });
  worker.once('error', unexpected);
  const exited = once(worker, 'exit');
  await Promise.race([sleep(chance() * 300), exited]);
  await worker.terminate();
  await exited;
  count(`worker ${what}`);
}

const server = http.createServer(async (request, response) => {
  counts.accepted += 1;
  response.once('finish', () => (counts.answered += 1));
  const done = await expected('infer', async () => (await infer(), true));
  response.statusCode = done === true ? 200 : 503;
  response.end(request.url);
});

const shutdown = createShutdown({ timeoutMs: 60_000, console: false, report: reports });
shutdown
  .add(httpServer(server))
  .add(workerThreads())
  .add(unloadModels(models))
  .add(cudaCleanup())
  .install();
// Threads that stay have begun then.
for (let device = 0; device < DEVICES; device += 1) cuda.memGetInfo(device);
const health = await healthServer(shutdown, { port: 0 });
models.idle({
  unloadAfterMs: 400,
  onUnload: () => count('idle: unloaded'),
  onError: () => count('idle: failed'),
});

let loaded = false;
let busy = 0;
/** Again and again, a while after each other, while there is load. */
async function repeat(everyMs, work) {
  for (;;) {
    await sleep(chance() * 2 * everyMs, undefined, { ref: false });
    if (!loaded || shutdown.signal.aborted) continue;
    busy += 1;
    await work();
    busy -= 1;
  }
}
for (let device = 0; device < DEVICES; device += 1) {
  void repeat(300, () => expected('emptyCache', () => cuda.emptyCache(device)));
  void repeat(300, () => expected('synchronize', () => cuda.synchronize(device)));
}
void repeat(100, () => expected('unload', unloadOne));
void repeat(500, oneWorker);

/** By function: the call with which its last fault is over. */
const faultyUntil = new Map();
let faults = 0;
let injects = true;
void repeat(500, () => {
  if (!injects) return;
  const fault = FAULTS[faults % FAULTS.length];
  const [, name, nth] = /^(\w+)#(\d+)/.exec(fault);
  injectFault(fault);
  faultyUntil.set(name, callCount(name) + Number(nth));
  faults += 1;
});

async function unloadEverything() {
  for (let left = 1; left > 0;) {
    const { failed } = await models.unloadAll({ timeoutMs: 10_000 });
    left = failed.length;
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const COMMANDS = {
  load: () => (loaded = true),
  /** Nothing is asked for any more; what is not used is given back, and what nobody refers to collected. */
  quiet: async () => {
    loaded = false;
    while (busy > 0) await sleep(10);
    await unloadEverything();
    await expected('emptyCache', () => cuda.emptyCache());
    for (let turn = 0; turn < 5; turn += 1) {
      collect();
      await sleep(20);
    }
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed };
  },
  /** No new faults, and those that were set come about. */
  faultless: async () => {
    injects = false;
    while ([...faultyUntil].some(([name, call]) => callCount(name) < call)) {
      await expected('infer', infer);
      await expected('memGetInfo', () => Promise.resolve(cuda.memGetInfo(0)));
      await expected('unload', unloadOne);
    }
    return faults;
  },
};
process.on('message', async (command) => {
  process.send({ command, answer: await COMMANDS[command]() });
});
process.channel.unref();
shutdown.on('end', ({ report }) => process.send({ command: 'end', answer: { report, counts } }));
server.listen(0, '127.0.0.1', () => {
  process.send({
    command: 'ports',
    answer: { service: server.address().port, health: health.port },
  });
});

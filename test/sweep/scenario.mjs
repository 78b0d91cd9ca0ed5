// The life that the sweep disturbs: a service on two devices that loads three models, uses them, gives one
// back, calls one load off, and is shut down by a signal. As a service should, it outlives what fails: each
// operation is tried, and how it went is a line of the trace, with what the ledger said by then.
// Argument: { folder, trace, files, timeoutMs, shown } as JSON. It is ready for the signal when it says so on stdout.
import { appendFileSync, existsSync } from 'node:fs';
import {
  createShutdown,
  cuda,
  cudaCleanup,
  loadModel,
  ModelRegistry,
  unloadModels,
} from '../../dist/index.js';
import { callCount, readLedger } from '../../dist/testing/index.js';
import { CALLS, STAGES } from './course.mjs';

const { folder, trace, files, timeoutMs, shown } = JSON.parse(process.argv[2]);

/** What of the runtime's calls had met a fault by now, for each device. */
function faultsActed() {
  const ledger = process.env.CUDA_SHUTDOWN_SIM_LEDGER;
  return existsSync(ledger) ? readLedger(ledger).devices.map((one) => one.faultsActed) : [];
}

let stage = STAGES.open;
function enter(next) {
  if (stage !== STAGES.end) stage = next;
}

function note(entry) {
  const line = { stage, acted: faultsActed(), atMs: performance.now(), ...entry };
  appendFileSync(trace, `${JSON.stringify(line)}\n`);
}

function described(error) {
  const { name, message, cause, errors, freedBytes, remainingBytes } = error;
  return {
    ...{ name, message, freedBytes, remainingBytes },
    ...(cause instanceof Error ? { cause: described(cause) } : {}),
    ...(errors === undefined ? {} : { errors: errors.map(described) }),
  };
}

async function attempt(operation, work) {
  // Who stops begins nothing.
  if (signal.aborted) return undefined;
  try {
    const value = await work();
    note({ operation });
    return value;
  } catch (error) {
    note({ operation, error: described(error) });
    return undefined;
  }
}

const registry = new ModelRegistry();
const shutdown = createShutdown({ timeoutMs, report: folder, console: shown });
const { signal } = shutdown;
shutdown
  .add('app', () => undefined)
  .add(unloadModels(registry))
  .add(cudaCleanup())
  .add('flush', () => undefined, { phase: 'logs', reserveMs: 1500 })
  .on('begin', () => {
    enter(STAGES.end);
    note({ operation: 'shutdown' });
  })
  .on('step', ({ name, status }) => {
    note({ operation: `step ${name}`, status });
  })
  .on('end', () => {
    note({ operation: 'steps' });
  });
process.on('exit', () => {
  note({
    operation: 'exit',
    calls: Object.fromEntries(CALLS.map((name) => [name, callCount(name)])),
  });
});

note({ operation: 'start' });
await attempt('install', () => shutdown.install());
await attempt('devices', () => [0, 1].map((device) => cuda.getDeviceProperties(device)));

async function load(name, device, options = {}) {
  const model = await attempt(`load ${name}`, () =>
    loadModel(files[name], { name, device, signal, onProgress: () => undefined, ...options }),
  );
  if (model === undefined) return undefined;
  const bytes = Object.fromEntries(model.bytesByDevice);
  note({ operation: 'loaded', model: name, bytes });
  registry.add(model);
  return model;
}

enter(STAGES.load);
const [a, b] = await Promise.all([load('a', 0), load('b', 1)]);
const c = await load('c', { '': 0, 'tensor.1': 1, 'tensor.3': 1, 'tensor.5': 1, 'tensor.7': 1 });

enter(STAGES.serve);
const read = (model, tensor) =>
  attempt(`read ${model?.name}`, async () => {
    if (model !== undefined) await model.read(tensor, { signal });
  });
await Promise.all([read(a, 'tensor.0'), read(b, 'tensor.1')]);
await read(c, 'tensor.1');
for (const device of [0, 1]) {
  await attempt(`memory of ${device}`, () => cuda.memGetInfo(device));
  await attempt(`statistics of ${device}`, () => cuda.memoryStats(device));
  await attempt(`peaks of ${device}`, () => cuda.resetPeakMemoryStats(device));
}
await attempt('process memory', () => Promise.all([cuda.processMemory(0), cuda.processMemory(1)]));
await attempt('unload c', async () => {
  if (c === undefined) return;
  const result = await c.unload({ signal });
  registry.remove('c');
  const { freedBytes, memory } = result;
  note({ operation: 'unloaded', model: 'c', freedBytes, verified: memory.verified });
});
await attempt('synchronize', () => cuda.synchronize(undefined, { signal }));
await attempt('empty cache', () => cuda.emptyCache(undefined, { signal }));
await attempt('call off d', async () => {
  const caller = new AbortController();
  const loading = loadModel(files.d, {
    name: 'd',
    device: 'auto',
    signal: AbortSignal.any([signal, caller.signal]),
  });
  setImmediate(() => caller.abort(new Error('nobody wants it any more')));
  // It may have been faster.
  const model = await loading.catch((error) => {
    if (error.name !== 'AbortError') throw error;
  });
  await model?.unload({ signal });
});
await load('e', 1);

const turn = setInterval(() => undefined, 1000);
shutdown.signal.addEventListener('abort', () => clearInterval(turn));
note({ operation: 'ready' });
process.stdout.write('ready\n');

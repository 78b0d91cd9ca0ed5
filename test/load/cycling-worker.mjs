// One worker thread of worker-cycles.mjs: works with the addon until it is terminated, in the way that it
// is told, or ends by itself. Says `working` when it is about to.
import { parentPort, workerData } from 'node:worker_threads';
import {
  createShutdown,
  cuda,
  cudaCleanup,
  loadModel,
  ModelRegistry,
  unloadModels,
} from '../../dist/index.js';

const { path, what, device } = workerData;
const EXPECTED_ERRORS = ['AbortError', 'TimeoutError', 'CudaError', 'UnloadError'];

/** What the simulated device refuses by chance is no fault of the worker. */
async function expected(promise) {
  try {
    return await promise;
  } catch (error) {
    if (!EXPECTED_ERRORS.includes(error.name)) throw error;
    return undefined;
  }
}

async function loaded() {
  for (;;) {
    const model = await expected(loadModel(path, { device }));
    if (model !== undefined) return model;
  }
}

const WAYS = {
  loads: async () => {
    parentPort.postMessage('working');
    for (;;) await expected(loadModel(path, { device, onProgress: () => undefined }));
  },
  unloads: async () => {
    const model = await loaded();
    parentPort.postMessage('working');
    while (model.state !== 'unloaded')
      await expected(model.unload({ onProgress: () => undefined }));
  },
  holds: async () => {
    globalThis.kept = await loaded();
    parentPort.postMessage('working');
    setInterval(() => undefined, 1000);
  },
  reads: async () => {
    const model = await loaded();
    parentPort.postMessage('working');
    for (;;) for (const name of model.tensors.keys()) await expected(model.read(name));
  },
  maintains: async () => {
    parentPort.postMessage('working');
    for (;;) {
      await expected(cuda.synchronize(device));
      await expected(cuda.emptyCache(device));
      cuda.memoryStats(device);
      await expected(cuda.processMemory(device));
    }
  },
  aborts: async () => {
    const model = await loaded();
    parentPort.postMessage('working');
    while (model.state !== 'unloaded') {
      await expected(model.unload({ signal: AbortSignal.timeout(3) }));
    }
  },
  shutsDown: async () => {
    const models = new ModelRegistry();
    models.add(await loaded());
    const shutdown = createShutdown({ console: false, timeoutMs: 10_000 });
    shutdown.add(unloadModels(models)).add(cudaCleanup()).installInWorker();
    parentPort.postMessage('working');
    await shutdown.start('by itself');
  },
  exits: async () => {
    globalThis.kept = await loaded();
    globalThis.kept.unload().catch(() => undefined);
    parentPort.postMessage('working');
    process.exit(0);
  },
};

// Not awaited: V8 aborts where a worker is terminated while a module that awaits is begun.
WAYS[what]();

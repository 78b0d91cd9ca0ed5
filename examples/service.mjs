// A service as one is run: two models on a device, requests that hold leases, a structured log, a
// report, and a shutdown over all of it. `npm run demo` starts it, puts load on it and stops it.

import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  closeLogger,
  createShutdown,
  cuda,
  cudaCleanup,
  httpServer,
  loadModel,
  ModelRegistry,
  unloadModels,
  winstonLogger,
} from 'cuda-shutdown';
import { ensureMiniLM } from './minilm.mjs';

const output = process.argv[2] ?? path.join(import.meta.dirname, 'output');
const logger = await winstonLogger({ file: path.join(output, 'service.log'), console: false });

const file = await ensureMiniLM(output);
const models = new ModelRegistry();
const embedder = await loadModel(file, { name: 'embedder' });
const reranker = await loadModel(file, { name: 'reranker' });
models.add(embedder).add(reranker);
logger.info('models loaded', { bytes: cuda.memoryAllocated() });

const counts = { accepted: 0, answered: 0 };
const server = http.createServer(async (request, response) => {
  counts.accepted += 1;
  response.once('finish', () => (counts.answered += 1));
  const leases = [embedder.acquire(), reranker.acquire()];
  try {
    await sleep(20 + Math.random() * 60); // Where a real service runs its kernels.
    response.end(JSON.stringify({ models: models.size }));
  } finally {
    for (const lease of leases) lease.release();
  }
});

createShutdown({ timeoutMs: 8000, logger, console: true, report: path.join(output, 'reports') })
  .add(httpServer(server))
  .add(unloadModels(models, { modelTimeoutMs: 1500 }))
  .add(cudaCleanup())
  .add(closeLogger(logger))
  .install();

// What whoever started it as a child wants to know; under a terminal it is only in the way.
process.on('exit', () => console.log(JSON.stringify(counts)));
server.listen(Number(process.env.PORT ?? 0), () => {
  console.log(JSON.stringify({ port: server.address().port }));
});

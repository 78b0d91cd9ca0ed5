// The service that is deployed in all the ways of this folder: a model, requests, probes and metrics.
// What the way of deploying decides comes by the environment.
//   MODEL=model.safetensors node examples/deploy/service.mjs
import http from 'node:http';
import {
  createShutdown,
  cudaCleanup,
  healthServer,
  httpServer,
  loadModel,
  metrics,
  ModelRegistry,
  systemd,
  unloadModels,
} from 'cuda-shutdown';
import { Registry } from 'prom-client';

const { MODEL, PORT, HEALTH_PORT, HOST, REPORTS, SHUTDOWN_TIMEOUT_MS, SHUTDOWN_DELAY_MS } =
  process.env;

const models = new ModelRegistry();
let model;
const server = http.createServer((request, response) => {
  const lease = model.acquire();
  response.once('close', () => lease.release());
  response.end(`${model.name}: ${model.bytes} bytes on device ${model.device}\n`);
});

const shutdown = createShutdown({
  timeoutMs: Number(SHUTDOWN_TIMEOUT_MS ?? 30_000),
  delayMs: Number(SHUTDOWN_DELAY_MS ?? 0),
  ipc: true, // PM2's message.
  report: REPORTS ?? false,
})
  .add(httpServer(server))
  .add(unloadModels(models))
  .add(cudaCleanup());
// Before the load: a signal that comes meanwhile is a shutdown too, and ends the load.
shutdown.install();

const registry = new Registry();
await metrics(shutdown, registry);
const host = HOST ?? '127.0.0.1';
const health = await healthServer(shutdown, { port: Number(HEALTH_PORT ?? 9090), host, registry });
const notifier = systemd(shutdown);

try {
  model = await loadModel(MODEL ?? 'model.safetensors', { signal: shutdown.signal });
  models.add(model);
  server.listen(Number(PORT ?? 8080), host, serving);
} catch (error) {
  if (!shutdown.signal.aborted) throw error;
}

function serving() {
  notifier.ready(`serving ${model.name}`); // systemd's READY=1
  process.send?.('ready'); // PM2's wait_ready
  console.log(JSON.stringify({ port: server.address().port, health: health.port }));
}

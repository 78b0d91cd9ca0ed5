// The short script to copy: a model, an HTTP server, and a shutdown that ends both well.
//   node examples/shutdown.mjs model.safetensors
// Without a GPU: CUDA_SHUTDOWN_BACKEND=simulated node examples/shutdown.mjs model.safetensors

import http from 'node:http';
import {
  createShutdown,
  cudaCleanup,
  httpServer,
  loadModel,
  ModelRegistry,
  unloadModels,
} from 'cuda-shutdown';

const models = new ModelRegistry();
const model = await loadModel(process.argv[2]);
models.add(model);

const server = http.createServer((request, response) => {
  const lease = model.acquire(); // The model stays on the device while anyone holds one.
  response.end(`${model.name}: ${model.bytes} bytes on device ${model.device}\n`);
  lease.release();
});

const shutdown = createShutdown({ timeoutMs: 10_000 })
  .add(httpServer(server)) // Answers what was accepted, takes nothing new.
  .add(unloadModels(models)) // Frees tensor by tensor, each model within its own time.
  .add(cudaCleanup()); // Synchronizes, empties the caches, measures what came back.
shutdown.install();

server.listen(Number(process.env.PORT ?? 8080), () => {
  console.log(`http://localhost:${server.address().port}, Ctrl+C ends it`);
});

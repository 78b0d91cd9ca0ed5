// A service with one model, to be tested: service.mjs MODEL REPORTS
import http from 'node:http';
import {
  createShutdown,
  cudaCleanup,
  httpServer,
  loadModel,
  ModelRegistry,
  unloadModels,
} from 'cuda-shutdown';

const [file, reports] = process.argv.slice(2);
const models = new ModelRegistry();
models.add(await loadModel(file, { name: 'embedder' }));
const server = http.createServer((_, response) => response.end('ok'));

createShutdown({ timeoutMs: 5000, report: reports })
  .add(httpServer(server))
  .add(unloadModels(models, { modelTimeoutMs: 500 }))
  .add(cudaCleanup())
  .install();

server.listen(0, () => console.log(server.address().port));

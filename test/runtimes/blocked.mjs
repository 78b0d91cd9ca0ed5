// A run of onnxruntime that blocks JavaScript: argv[2] is the model, argv[3] the shutdown's time.
import ort from 'onnxruntime-node';
import { createShutdown, ModelRegistry, onnxSession, unloadModels } from '../../dist/index.js';

const session = await ort.InferenceSession.create(process.argv[2], { intraOpNumThreads: 1 });
const model = onnxSession(session, { name: 'long' });
createShutdown({ timeoutMs: Number(process.argv[3]), console: false })
  .add(unloadModels(new ModelRegistry().add(model)))
  .install();

const [size] = session.inputMetadata[0].shape;
const x = new ort.Tensor('float32', new Float32Array(size * size).fill(1), [size, size]);
// The run begins in the very next callback of this turn, and blocks from there on: the signal that
// answers this line finds JavaScript blocked.
setImmediate(() => process.stdout.write('working\n'));
const { result } = await model.session.run({ x });
console.log(`told ${result.data[0]}`);

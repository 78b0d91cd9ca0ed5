// Unloading on the simulated device, beside a bare C++ loop of cudaFreeAsync and one synchronize.
import path from 'node:path';
import { interleaved } from './interleaved.mjs';
import { writeModelFile } from './model-file.mjs';
import { startOnSimulator } from './reference.mjs';
import { rowsAgainst } from './rows.mjs';

const TENSORS = 10_000;
const TENSOR_BYTES = 1024;

export const env = { CUDA_SHUTDOWN_BACKEND: 'simulated' };

export async function run({ quick, folder }) {
  const { loadModel } = await import('../dist/index.js');
  const file = path.join(folder, 'model.safetensors');
  writeModelFile(file, TENSORS, TENSOR_BYTES);

  /** `unload` is timed; the model is loaded before, and gone afterwards. */
  const unloads = (options) => async () => {
    const model = await loadModel(file);
    const startedAt = performance.now();
    await model.unload(options);
    return performance.now() - startedAt;
  };

  const args = [String(TENSORS), String(TENSOR_BYTES)];
  const reference = await startOnSimulator('free-async', args, folder);
  const took = await interleaved(
    {
      'C++, cudaFreeAsync and synchronize': () => reference.time(),
      'model.unload()': unloads(),
      'model.unload() with onProgress': unloads({ onProgress: () => undefined }),
    },
    quick ? 10 : 100,
    // The pools, the threads and the compiler warm up.
    quick ? 3 : 10,
  );
  reference.end();
  const [[name, values], ...ours] = Object.entries(took);
  return ours.flatMap(([what, times]) =>
    rowsAgainst(`${what}, ${TENSORS.toLocaleString('en')} tensors`, 'ms', times, {
      [name]: values,
    }),
  );
}

// Unloading on the simulated device: 10,000 tensors beside a bare C++ loop of cudaFreeAsync and one
// synchronize; and the same bytes as 1, 16 and 256 models on 1, 2 and 8 devices: `npm run bench:unload`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { quantile, roundsFromArguments, timeInterleaved } from './interleaved.mjs';
import { writeModelFile } from './model-file.mjs';
import { startReference } from './reference.mjs';

const TENSORS = 10_000;
const TENSOR_BYTES = 1024;

process.env.CUDA_SHUTDOWN_BACKEND = 'simulated';
const { loadModel } = await import('../dist/index.js');
const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-bench-'));

/** `call` is timed; the model is loaded before, and gone afterwards. */
function unloads(file, options) {
  return async () => {
    const model = await loadModel(file);
    const startedAt = performance.now();
    await model.unload(options);
    return performance.now() - startedAt;
  };
}

/** The milliseconds that each unloadAll took, in a process with so many devices. */
function scaling(models, devices, rounds) {
  const program = path.join(import.meta.dirname, 'programs', 'unload-all.mjs');
  const args = [folder, String(models), String(devices), String(rounds)];
  const env = { ...process.env, CUDA_SHUTDOWN_SIM_DEVICES: String(devices) };
  return JSON.parse(execFileSync(process.execPath, [program, ...args], { env, encoding: 'utf8' }));
}

try {
  const rounds = roundsFromArguments(100);
  const file = path.join(folder, 'model.safetensors');
  writeModelFile(file, TENSORS, TENSOR_BYTES);
  const args = [String(TENSORS), String(TENSOR_BYTES)];
  const reference = await startReference('free-async', args, folder);
  const ours = unloads(file);
  // The pools, the threads and the compiler warm up.
  for (let round = 0; round < 10; round += 1) {
    await reference.time();
    await ours();
  }
  await timeInterleaved(
    `Unloading ${TENSORS} tensors`,
    {
      'cudaFreeAsync and synchronize': () => reference.time(),
      'model.unload()': ours,
      'with onProgress': unloads(file, { onProgress: () => undefined }),
    },
    rounds,
  );
  reference.end();

  const table = {};
  for (const models of [1, 16, 256]) {
    writeModelFile(path.join(folder, `${models}.safetensors`), 8192 / models, 8192);
    table[`${models} × ${8192 / models} tensors`] = Object.fromEntries(
      [1, 2, 8].map((devices) => {
        const times = scaling(models, devices, 20);
        return [devices, Number(quantile(times, 0.5).toFixed(2))];
      }),
    );
  }
  console.log(
    '\nunloadAll() of 64 MiB in 8,192 tensors: median ms, by models and number of devices',
  );
  console.table(table);
} finally {
  rmSync(folder, { recursive: true });
}

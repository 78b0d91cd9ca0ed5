// Loading a model from a file in the page cache, beside a plain C++ loop of pread and memcpy, and beside
// fs.readFile and a copy. Every target's memory was touched before.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { interleaved } from './interleaved.mjs';
import { writeModelFile } from './model-file.mjs';
import { startProgram } from './reference.mjs';
import { rowsAgainst } from './rows.mjs';

const TENSORS = 64;

export const env = { CUDA_SHUTDOWN_BACKEND: 'simulated' };

export async function run({ quick, folder }) {
  const { loadModel } = await import('../dist/index.js');
  const mebibytes = quick ? 64 : 1024;
  const bytes = mebibytes * 2 ** 20;
  const file = path.join(folder, 'model.safetensors');
  writeModelFile(file, TENSORS, bytes / TENSORS, 2);
  const reference = await startProgram('read-copy', [file], folder);
  const copy = Buffer.alloc(bytes + 2 ** 20, 1);
  const contenders = {
    ours: async () => {
      const startedAt = performance.now();
      const model = await loadModel(file);
      const ms = performance.now() - startedAt;
      await model.unload();
      return ms;
    },
    'C++, pread and memcpy': () => reference.time(),
    'fs.readFile and copy': async () => {
      const startedAt = performance.now();
      (await readFile(file)).copy(copy);
      return performance.now() - startedAt;
    },
  };
  const { ours, ...references } = await interleaved(contenders, quick ? 3 : 20, 2);
  reference.end();
  return rowsAgainst(`loadModel(), ${mebibytes} MiB`, 'ms', ours, references);
}

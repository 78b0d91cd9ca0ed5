// What a lease costs, taken and given back, beside the least that answers an object.
import path from 'node:path';
import { interleaved } from './interleaved.mjs';
import { writeModelFile } from './model-file.mjs';
import { rowsAgainst } from './rows.mjs';

export const env = { CUDA_SHUTDOWN_BACKEND: 'simulated' };

export async function run({ quick, folder }) {
  const { loadModel } = await import('../dist/index.js');
  const file = path.join(folder, 'model.safetensors');
  writeModelFile(file, 1, 1024);
  const model = await loadModel(file);

  // What each answers is kept, so that no call can be left out.
  let kept;
  const calls = {
    'a new object': () => ({ at: kept }),
    'acquire() and release()': () => {
      const lease = model.acquire();
      lease.release();
      return lease;
    },
  };
  // A loop each, compiled for its call alone: a shared one would no longer know what it calls.
  const contenders = Object.fromEntries(
    Object.entries(calls).map(([name, call]) => {
      const loop = new Function(
        'call',
        'calls',
        'keep',
        `
        const startedAt = performance.now();
        for (let index = 0; index < calls; index += 1) keep(call());
        return ((performance.now() - startedAt) * 1e6) / calls; // ${name}`,
      );
      return [name, () => loop(call, quick ? 100_000 : 1_000_000, (value) => (kept = value))];
    }),
  );
  const took = await interleaved(contenders, quick ? 10 : 30, 2);
  if (model.leases !== 0) throw new Error(`Expected no lease to be held, got ${model.leases}`);
  await model.unload();
  return rowsAgainst('acquire() and release()', 'ns', took['acquire() and release()'], {
    'a new object': took['a new object'],
  });
}

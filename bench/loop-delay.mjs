// The longest that the event loop was late while a model is loaded and unloaded, beside as long a time
// in which nothing is done.
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeModelFile } from './model-file.mjs';
import { rowsAgainst } from './rows.mjs';

const RESOLUTION_MS = 1;
/** Below this the histogram tells nothing, and a ratio would be one of noise. */
const LEAST_MS = 0.01;

export const env = { CUDA_SHUTDOWN_BACKEND: 'simulated' };

/** In ms, and how long `work` took. */
async function lateness(work) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const startedAt = performance.now();
  await work();
  const tookMs = performance.now() - startedAt;
  // The last interval is counted when its timer fires.
  await sleep(2 * RESOLUTION_MS);
  delay.disable();
  return { late: Math.max(LEAST_MS, delay.max / 1e6 - RESOLUTION_MS), tookMs };
}

export async function run({ quick, folder }) {
  const { loadModel } = await import('../dist/index.js');
  const rows = [];
  for (const [what, tensors, bytes] of [
    [`of ${quick ? 64 : 512} MiB in 64 tensors`, 64, (quick ? 64 : 512) * 2 ** 14],
    ['of 10,000 tensors', 10_000, 1024],
  ]) {
    const file = path.join(folder, `${tensors}.safetensors`);
    writeModelFile(file, tensors, bytes);
    const took = { load: [], unload: [], idleLoad: [], idleUnload: [] };
    const rounds = quick ? 3 : 20;
    for (let round = -2; round < rounds; round += 1) {
      let model;
      const load = await lateness(async () => {
        model = await loadModel(file);
      });
      const unload = await lateness(() => model.unload());
      const idleLoad = await lateness(() => sleep(load.tookMs));
      const idleUnload = await lateness(() => sleep(unload.tookMs));
      if (round < 0) continue;
      for (const [name, { late }] of Object.entries({ load, unload, idleLoad, idleUnload })) {
        took[name].push(late);
      }
    }
    rows.push(
      ...rowsAgainst(`loop late while a load ${what}`, 'ms', took.load, { idle: took.idleLoad }),
      ...rowsAgainst(`loop late while an unload ${what}`, 'ms', took.unload, {
        idle: took.idleUnload,
      }),
    );
  }
  return rows;
}

// What a lease costs, taken and given back, beside a call that does nothing: `npm run bench:lease`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { quantile, roundsFromArguments } from './interleaved.mjs';
import { writeModelFile } from './model-file.mjs';

const CALLS = 1_000_000;

process.env.CUDA_SHUTDOWN_BACKEND = 'simulated';
const { loadModel } = await import('../dist/index.js');
const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-bench-'));
const file = path.join(folder, 'model.safetensors');
writeModelFile(file, 1, 1024);
const model = await loadModel(file);
rmSync(folder, { recursive: true });

// What each answers is kept, so that no call can be left out.
let kept;
const contenders = {
  'an empty function': () => undefined,
  'a new object': () => ({ at: kept }),
  'acquire() and release()': () => {
    const lease = model.acquire();
    lease.release();
    return lease;
  },
};

// A loop each, compiled for its call alone: a shared one would no longer know what it calls.
const loops = Object.entries(contenders).map(([name, call]) => {
  const loop = new Function(
    'call',
    'calls',
    'keep',
    `
    const startedAt = performance.now();
    for (let index = 0; index < calls; index += 1) keep(call());
    return ((performance.now() - startedAt) * 1e6) / calls; // ${name}`,
  );
  return { name, times: [], time: () => loop(call, CALLS, (value) => (kept = value)) };
});

const rounds = roundsFromArguments(30);
for (const { time } of loops) time();
for (let round = 0; round < rounds; round += 1) {
  for (const { time, times } of loops) times.push(time());
}
const [empty] = loops;
console.log(
  `\nns a call (${rounds} rounds of ${CALLS} calls, interleaved; Node ${process.version})`,
);
console.table(
  Object.fromEntries(
    loops.map(({ name, times }) => {
      const beside = times.map((time, round) => time - empty.times[round]);
      const [median, p90, over] = [
        quantile(times, 0.5),
        quantile(times, 0.9),
        quantile(beside, 0.5),
      ];
      return [
        name,
        { median: +median.toFixed(1), p90: +p90.toFixed(1), 'beside it': +over.toFixed(1) },
      ];
    }),
  ),
);
if (model.leases !== 0) throw new Error(`Expected no lease to be held, got ${model.leases}`);
await model.unload();

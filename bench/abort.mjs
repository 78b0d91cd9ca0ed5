// How soon an unload settles after its abort, where each block takes the device 1 ms: 1,000 aborts at
// moments of chance, each balance checked against the device's ledger: `npm run bench:abort`.
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, roundsFromArguments } from './interleaved.mjs';
import { readLedger } from '../dist/testing/index.js';
import { writeModelFile } from './model-file.mjs';

const TENSORS = 24;
const TENSOR_BYTES = 1024;
const P99_MS = 5;

const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-bench-'));
const ledger = path.join(folder, 'ledger');
Object.assign(process.env, {
  CUDA_SHUTDOWN_BACKEND: 'simulated',
  CUDA_SHUTDOWN_SIM_FAULTS: 'cudaFreeAsync=slow:1',
  CUDA_SHUTDOWN_SIM_LEDGER: ledger,
});
const { loadModel } = await import('../dist/index.js');

function agree(what, got, expected) {
  if (got !== expected) throw new Error(`Expected ${what} to be ${expected}, got ${got}`);
}

const held = () => readLedger(ledger).devices[0].usedBytes;

/** One abort: the milliseconds until the unload settled, or why there is nothing to count. */
async function abortOnce(file) {
  const model = await loadModel(file);
  const controller = new AbortController();
  const unload = model.unload({ signal: controller.signal }).then(
    () => undefined,
    (error) => error,
  );
  await sleep(Math.random() * TENSORS);
  if (model.state === 'unloaded') return 'too late';
  const abortedAt = performance.now();
  controller.abort();
  const error = await unload;
  const ms = performance.now() - abortedAt;
  const { state } = model;
  if (error !== undefined) {
    agree('the error', error.name, 'AbortError');
    agree('freed and remaining', error.freedBytes + error.remainingBytes, model.bytes);
    // A thread that was kept from its work for 15 ms counts as stuck, and frees one more block.
    if (state !== 'stuck') agree('what the device holds', held(), error.remainingBytes);
  }
  await model.unload();
  agree('what the device holds at the end', held(), 0);
  return { ms, stuck: state === 'stuck' };
}

try {
  const rounds = roundsFromArguments(1000);
  const file = path.join(folder, 'model.safetensors');
  writeModelFile(file, TENSORS, TENSOR_BYTES);
  for (let round = 0; round < 10; round += 1) await abortOnce(file);
  const times = [];
  let stuck = 0;
  let tooLate = 0;
  while (times.length < rounds) {
    const once = await abortOnce(file);
    if (once === 'too late') {
      tooLate += 1;
      continue;
    }
    times.push(once.ms);
    if (once.stuck) stuck += 1;
  }
  const [{ totalAllocations, totalFrees, invalidFrees }] = readLedger(ledger).devices;
  agree('the number of frees', totalFrees, totalAllocations);
  agree('the number of invalid frees', invalidFrees, 0);
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantile(times, share).toFixed(2));
  console.log(
    `${rounds} aborts, 1 ms a block: settled after p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms\n` +
      `${stuck} counted as stuck, ${tooLate} more came after the end; every balance agrees with the ` +
      `ledger; load ${loadavg()[0].toFixed(1)}`,
  );
  if (quantile(times, 0.99) > P99_MS) {
    console.error(`Expected a p99 of at most ${P99_MS} ms`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}

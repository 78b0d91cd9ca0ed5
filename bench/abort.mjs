// How soon an unload settles after its abort, where each block takes the device 1 ms: aborts at moments
// of chance, each balance checked against the device's ledger.
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readLedger } from '../dist/testing/index.js';
import { writeModelFile } from './model-file.mjs';
import { rowAlone } from './rows.mjs';

const TENSORS = 24;
const TENSOR_BYTES = 1024;
const P99_MS = 5;

export const env = {
  CUDA_SHUTDOWN_BACKEND: 'simulated',
  CUDA_SHUTDOWN_SIM_FAULTS: 'cudaFreeAsync=slow:1',
};

function agree(what, got, expected) {
  if (got !== expected) throw new Error(`Expected ${what} to be ${expected}, got ${got}`);
}

export async function run({ quick, folder }) {
  const ledger = path.join(folder, 'ledger');
  process.env.CUDA_SHUTDOWN_SIM_LEDGER = ledger;
  const { loadModel } = await import('../dist/index.js');
  const file = path.join(folder, 'model.safetensors');
  writeModelFile(file, TENSORS, TENSOR_BYTES);
  const held = () => readLedger(ledger).devices[0].usedBytes;

  /** The milliseconds until the unload settled; undefined where it had ended before. */
  async function abortOnce() {
    const model = await loadModel(file);
    const controller = new AbortController();
    const unload = model.unload({ signal: controller.signal }).then(
      () => undefined,
      (error) => error,
    );
    await sleep(Math.random() * TENSORS);
    if (model.state === 'unloaded') return undefined;
    const abortedAt = performance.now();
    controller.abort();
    const error = await unload;
    const ms = performance.now() - abortedAt;
    if (error !== undefined) {
      agree('the error', error.name, 'AbortError');
      agree('freed and remaining', error.freedBytes + error.remainingBytes, model.bytes);
      // A thread that was kept from its work for 15 ms counts as stuck, and frees one more block.
      if (model.state !== 'stuck') agree('what the device holds', held(), error.remainingBytes);
    }
    await model.unload();
    agree('what the device holds at the end', held(), 0);
    return ms;
  }

  for (let round = 0; round < 10; round += 1) await abortOnce();
  const times = [];
  while (times.length < (quick ? 50 : 1000)) {
    const ms = await abortOnce();
    if (ms !== undefined) times.push(ms);
  }
  const [{ totalAllocations, totalFrees, invalidFrees }] = readLedger(ledger).devices;
  agree('the number of frees', totalFrees, totalAllocations);
  agree('the number of invalid frees', invalidFrees, 0);
  return [
    rowAlone('abort of an unload to its end, 1 ms a block', 'ms', times, { p99AtMost: P99_MS }),
  ];
}

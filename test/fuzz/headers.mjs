// Reads millions of safetensors headers by chance and holds each answer against an independent judge.
//   node test/fuzz/headers.mjs --inputs 10000000 | --seconds 60 [--seed 1] [--processes 2]
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** As in headers/check.ts. */
const BLOCK = 1000;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 30) },
    processes: { type: 'string', default: String(availableParallelism()) },
  },
});
const [seed, processes] = [values.seed, values.processes].map(Number);
const inputs = Number(values.inputs ?? (values.seconds === undefined ? 100_000 : 1e12));
const seconds = Number(values.seconds ?? Infinity);
console.log(`seed ${seed}`);

const program = fileURLToPath(new URL('../../build-fuzz/headers.mjs', import.meta.url));
await build({
  entryPoints: [fileURLToPath(new URL('headers/check.ts', import.meta.url))],
  outfile: program,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  logLevel: 'warning',
});

const startedAt = performance.now();
const ends = {};
let done = 0;
let reportedAt = 0;

function add(line) {
  for (const [end, times] of Object.entries(JSON.parse(line))) {
    ends[end] = (ends[end] ?? 0) + times;
    done += times;
  }
  const after = (performance.now() - startedAt) / 1000;
  if (after - reportedAt < 60) return;
  reportedAt = after;
  console.log(`${done} inputs in ${after.toFixed(0)} s`);
}

/** Blocks have seeds one after the other, whatever the number of processes. */
async function share(firstBlock, blocks) {
  if (blocks === 0) return;
  const wanted = Math.min(blocks * BLOCK, inputs - firstBlock * BLOCK);
  const args = [program, String(seed + firstBlock), String(wanted), String(seconds)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout }).on('line', add);
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`Expected every header to be agreed on, got ${code ?? signal}`);
}

const blocks = Math.ceil(inputs / BLOCK);
const each = Math.ceil(blocks / processes);
await Promise.all(
  Array.from({ length: processes }, (_, index) => {
    const first = Math.min(index * each, blocks);
    return share(first, Math.min(each, blocks - first));
  }),
);
console.log(ends);
console.log(
  `${done} headers agreed on in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`,
);
if (done === 0 || (done !== inputs && seconds === Infinity))
  throw new Error(`Expected ${inputs} inputs, got ${done}`);

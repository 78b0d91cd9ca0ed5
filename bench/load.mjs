// How fast a model is loaded from a file in the page cache, on the simulated device: against a plain
// C++ loop of pread and memcpy, and against fs.readFile and a copy, in turns on the same file. And
// how long the event loop is kept waiting meanwhile. Every target's memory was touched before.
//
//   npm run bench:load [rounds] [MiB]      needs g++, and as much room in the temporary folder
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

process.env.CUDA_SHUTDOWN_BACKEND = 'simulated';
const { loadModel } = await import('../dist/index.js');

const rounds = Number(process.argv[2] ?? 15);
const totalBytes = Number(process.argv[3] ?? 1024) * 2 ** 20;
const RESOLUTION_MS = 1;
const folder = mkdtempSync(join(tmpdir(), 'cuda-shutdown-bench-'));

/** 64 tensors, all of the same length. */
function makeModel(path) {
  const bytes = totalBytes / 64;
  const tensors = Array.from({ length: 64 }, (_, index) => [
    `tensor.${index}`,
    { dtype: 'U8', shape: [bytes], data_offsets: [index * bytes, (index + 1) * bytes] },
  ]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(tensors)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const file = openSync(path, 'w');
  for (const part of [length, header]) writeSync(file, part);
  for (let index = 0; index < 64; index += 1) writeSync(file, Buffer.alloc(bytes, index + 1));
  closeSync(file);
}

function referenceLoop(path) {
  const program = join(folder, 'read-copy');
  const source = fileURLToPath(new URL('reference/read-copy.cc', import.meta.url));
  execFileSync('g++', ['-std=c++20', '-O2', '-o', program, source]);
  const child = spawn(program, [path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async run() {
      child.stdin.write('\n');
      return Number((await lines.next()).value);
    },
    end: () => child.stdin.end(),
  };
}

async function seconds(work) {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

/** The longest that the loop was late during `work`, in ms. */
async function lateness(work) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  await work();
  // The last interval is counted when its timer fires.
  await new Promise((resolve) => setTimeout(resolve, 2 * RESOLUTION_MS));
  delay.disable();
  return Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
}

function summary(values, digits = 2) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.floor(share * (sorted.length - 1))].toFixed(digits);
  return `${at(0.5)} (${at(0)} to ${at(1)})`;
}

const results = { ours: [], loop: [], readFile: [], late: [], idle: [] };
const load = () => `load average ${loadavg()[0].toFixed(2)}`;
try {
  const path = join(folder, 'model.safetensors');
  makeModel(path);
  const reference = referenceLoop(path);
  const copy = Buffer.alloc(totalBytes + 2 ** 20, 1);
  console.log(`${totalBytes / 2 ** 20} MiB, ${rounds} rounds, ${load()}`);
  // The first round only warms up: the file, the buffers, the device's pool.
  for (let round = 0; round <= rounds; round += 1) {
    let model;
    const took = { ours: 0, loop: 0, readFile: 0 };
    const late = await lateness(async () => {
      took.ours = await seconds(async () => {
        model = await loadModel(path);
      });
    });
    await model.unload();
    took.loop = await reference.run();
    took.readFile = await seconds(async () => (await readFile(path)).copy(copy));
    const idle = await lateness(
      () => new Promise((resolve) => setTimeout(resolve, took.ours * 1000)),
    );
    if (round === 0) continue;
    for (const [name, each] of Object.entries({ ...took, late, idle })) results[name].push(each);
  }
  reference.end();
} finally {
  rmSync(folder, { recursive: true });
}

const speed = (times) => summary(times.map((each) => totalBytes / each / 1e9));
const ratio = (times) => summary(times.map((each, round) => each / results.ours[round]));
console.log(`median (least to most)
loadModel              ${speed(results.ours)} GB/s
pread and memcpy       ${speed(results.loop)} GB/s; loadModel is ${ratio(results.loop)} times as fast
fs.readFile and copy   ${speed(results.readFile)} GB/s; loadModel is ${ratio(results.readFile)} times as fast
event loop late        ${summary(results.late, 1)} ms while it loads, ${summary(results.idle, 1)} ms while nothing does
${load()}`);

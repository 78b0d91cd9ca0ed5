// The demo: starts examples/service.mjs, puts load on it, and sends SIGTERM in the middle of it.
//   npm run demo              a shutdown as it should be
//   npm run demo -- --hang    one model hangs in cudaFreeAsync
//   npm run demo -- --out=DIR the service's log, report and model file go there
// Ends with the service's exit code, or 1 where a request that was accepted got no answer.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cuda } from 'cuda-shutdown';

const CLIENTS = 16;
const LOAD_MS = 1000;

const { hang, out } = parseArgs({
  options: {
    hang: { type: 'boolean', default: false },
    out: { type: 'string', default: path.join(import.meta.dirname, 'output') },
  },
}).values;
const output = path.resolve(out);
const reports = path.join(output, 'reports');

const env = { ...process.env };
if (hang) {
  console.log('Demo on the simulated device: cudaFreeAsync hangs at its 40th call.');
  env.CUDA_SHUTDOWN_BACKEND = 'simulated';
  env.CUDA_SHUTDOWN_SIM_FAULTS = 'cudaFreeAsync#40=hang';
} else if (!cuda.isAvailable()) {
  console.log(
    `No GPU here (${cuda.unavailableReason.message}): the demo uses the simulated device.`,
  );
  env.CUDA_SHUTDOWN_BACKEND = 'simulated';
}

await mkdir(reports, { recursive: true });
const before = new Set(await readdir(reports));
const service = spawn(process.execPath, [path.join(import.meta.dirname, 'service.mjs'), output], {
  env,
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(service, 'close');
const lines = createInterface({ input: service.stdout })[Symbol.asyncIterator]();

const first = await lines.next();
if (first.done) process.exit((await ended)[0] ?? 1); // It has said why on stderr.
const { port } = JSON.parse(first.value);
console.log(`The service answers on port ${port}. ${CLIENTS} clients for ${LOAD_MS} ms …`);

let answered = 0;
let stopping = false;
const agent = new http.Agent({ keepAlive: true, maxSockets: CLIENTS });
const load = Promise.all(Array.from({ length: CLIENTS }, client));
await sleep(LOAD_MS);
console.log(`SIGTERM after ${answered} answers, in the middle of the load:\n`);
stopping = true;
service.kill('SIGTERM');

const [code, signal] = await ended;
await load;
const { value: last } = await lines.next();
const counts = last === undefined ? undefined : JSON.parse(last);
await tell();
const lost = counts === undefined ? 0 : counts.accepted - answered;
process.exitCode = lost === 0 ? (code ?? 1) : 1;

/** One request after the other until the service takes no more. */
async function client() {
  for (;;) {
    try {
      await answer();
      answered += 1;
    } catch (error) {
      if (stopping) return;
      throw error;
    }
  }
}

function answer() {
  return new Promise((resolve, reject) => {
    const request = http.get({ port, agent, timeout: 20_000 }, (response) => {
      response.on('end', response.statusCode === 200 ? resolve : reject).on('error', reject);
      response.resume();
    });
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer')));
  });
}

async function tell() {
  const isNew = (file) => file.endsWith('.report.json') && !before.has(file);
  const name = (await readdir(reports)).find(isNew);
  if (name === undefined) {
    console.log(`\nThe service ended with ${signal ?? code} and left no report.`);
    return;
  }
  const report = JSON.parse(await readFile(path.join(reports, name), 'utf8'));
  console.log(`\n${counts?.accepted ?? '?'} requests were accepted, ${answered} were answered.`);
  for (const { index, before: was, after: is } of report.devices) {
    if (was === undefined || is === undefined) continue;
    const change = (name) => `${mebibytes(was[name])} → ${mebibytes(is[name])}`;
    console.log(
      `Device ${index}, before → after: ${change('allocated')} in use, ${change('reserved')} reserved.`,
    );
  }
  console.log(`Report: ${path.relative('', path.join(reports, name))}`);
  console.log(
    `The service ended with exit code ${code ?? signal} after ${Math.round(report.durationMs)} ms.`,
  );
}

function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

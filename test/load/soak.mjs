// A service under load for as long as wanted: loads, serves, idles, unloads, aborts, faults, worker
// threads, probes and scrapes. Every minute the load pauses, and nothing may have grown: memory, threads,
// descriptors, what the devices hold. Then SIGTERM under load, whose shutdown must be clean.
//   npm run soak -- --minutes 30 [--seed 1] [--rss 0.1]
import { fork } from 'node:child_process';
import { on, once } from 'node:events';
import http from 'node:http';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readLedger, simulatedEnvironment } from '../../dist/testing/index.js';
import { writeModelFile } from '../../bench/model-file.mjs';
import { GIVES_BACK } from './allocator.mjs';
import { openDescriptors } from './descriptors.mjs';

const TENSORS = 20;
const TENSOR_BYTES = 64 * 1024;
const CLIENTS = 8;
const QUIET_MS = 30_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    rss: { type: 'string', default: '0.1' },
  },
});
const [minutes, seed, rssShare] = [values.minutes, values.seed, values.rss].map(Number);
console.log(`seed ${seed}`);
const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-soak-'));
const ledger = path.join(folder, 'ledger');
const file = path.join(folder, 'model.safetensors');
writeModelFile(file, TENSORS, TENSOR_BYTES);

const setUp = { file, bytes: TENSORS * TENSOR_BYTES, reports: path.join(folder, 'reports'), seed };
const simulated = { devices: 2, memory: '64MiB', faults: 'cudaFreeAsync=slow:1', ledger };
const child = fork(
  fileURLToPath(new URL('soak-service.mjs', import.meta.url)),
  [JSON.stringify(setUp)],
  { env: { ...simulatedEnvironment(simulated), ...GIVES_BACK } },
);
const exited = once(child, 'exit');

function check(what, holds, got) {
  if (!holds) throw new Error(`Expected ${what}, got ${JSON.stringify(got)}`);
}

async function answerTo(command) {
  for await (const [message] of on(child, 'message', { close: ['exit'] })) {
    if (message.command === command) return message.answer;
  }
  throw new Error(`Expected an answer to ${command}, the service has ended`);
}

function ask(command) {
  const answer = answerTo(command);
  child.send(command);
  return answer;
}

const endings = {};
let loaded = false;

function get(port, target, agent) {
  return new Promise((resolve) => {
    const request = http.get({ port, agent, host: '127.0.0.1', path: target }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
      response.on('error', () => resolve('cut'));
    });
    request.on('error', ({ code }) => resolve(request.reusedSocket ? 'raced' : code));
  });
}

/** Sends one request after the other while there is load. */
async function client(port, targets, thinkMs) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (let turn = 0; loaded; turn += 1) {
    const target = targets[turn % targets.length];
    const ending = `${target} ${await get(port, target, agent)}`;
    endings[ending] = (endings[ending] ?? 0) + 1;
    await sleep(Math.random() * thinkMs);
  }
  agent.destroy();
}

function begin(ports) {
  loaded = true;
  return Promise.all([
    ...Array.from({ length: CLIENTS }, () => client(ports.service, ['/'], 20)),
    client(ports.health, ['/livez', '/readyz', '/shutdown', '/metrics'], 200),
  ]);
}

function threadNames() {
  return readdirSync(`/proc/${child.pid}/task`).flatMap((id) => {
    try {
      return [readFileSync(`/proc/${child.pid}/task/${id}/comm`, 'utf8').trim()];
    } catch {
      return []; // It has ended.
    }
  });
}

function sample() {
  const { devices } = readLedger(ledger);
  return {
    threads: threadNames().sort(),
    descriptors: openDescriptors(child.pid, file),
    blocks: devices.reduce((sum, each) => sum + each.liveAllocations, 0),
    held: devices.reduce((sum, each) => sum + each.usedBytes, 0),
    streams: devices.reduce((sum, each) => sum + each.liveStreams + each.liveEvents, 0),
    invalidFrees: devices.reduce((sum, each) => sum + each.invalidFrees, 0),
    lost: devices.some((each) => each.stickyError !== 0),
  };
}

/** What a sample without load must be, given the first of them. */
function problem(now, first) {
  if (now.blocks + now.held > 0) return `${now.held} bytes in ${now.blocks} blocks are held`;
  if (now.invalidFrees > 0) return `${now.invalidFrees} invalid frees`;
  if (now.lost) return 'a device is lost';
  if (now.threads.length > first.threads.length) {
    return `threads ${now.threads.join(' ')}, at first ${first.threads.join(' ')}`;
  }
  const { addons, others } = now.descriptors;
  if (addons > 0) return `${addons} descriptors of the addon`;
  if (others.length > first.descriptors.others.length) {
    return `descriptors ${others.join(' ')}, at first ${first.descriptors.others.join(' ')}`;
  }
  if (now.streams > first.streams) return `${now.streams} streams and events`;
  return undefined;
}

async function quietSample(first) {
  const memory = await ask('quiet');
  let now = sample();
  const startedAt = performance.now();
  while (problem(now, first ?? now) !== undefined && performance.now() - startedAt < QUIET_MS) {
    await sleep(50);
    now = sample();
  }
  check(
    'nothing to have grown',
    problem(now, first ?? now) === undefined,
    problem(now, first ?? now),
  );
  return { ...now, ...memory };
}

const MiB = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const mean = (numbers) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;

function reportLine(atMs, { rss, heapUsed, threads, descriptors }) {
  const after = `${(atMs / 60_000).toFixed(1)} min`;
  console.log(
    `${after}: RSS ${MiB(rss)}, heap ${MiB(heapUsed)}, ${threads.length} threads, ` +
      `${descriptors.others.length} descriptors and ${descriptors.nodes} of opens that Node did not finish`,
  );
}

async function soak() {
  const ports = await answerTo('ports');
  const startedAt = performance.now();
  const everyMs = Math.min(60_000, (minutes * 60_000) / 10);
  const samples = [];
  let clients;
  while (performance.now() - startedAt < minutes * 60_000) {
    clients = begin(ports);
    await ask('load');
    await sleep(everyMs);
    loaded = false;
    await clients;
    samples.push(await quietSample(samples[1]));
    reportLine(performance.now() - startedAt, samples.at(-1));
  }
  const faults = await ask('faultless');
  clients = begin(ports);
  await sleep(1000);
  const end = answerTo('end');
  child.kill('SIGTERM');
  const { report, counts } = await end;
  loaded = false;
  child.disconnect();
  const [code, signal] = await exited;
  await clients;
  console.log(counts, endings);
  check('no unexpected error', counts.unexpected === 0, counts.unexpected);
  check('a clean shutdown', code === 0 && report.outcome === 'clean', { code, signal, report });
  check('an answer to each request', counts.answered === counts.accepted, counts);
  const left = readLedger(ledger).devices.reduce((sum, each) => sum + each.usedBytes, 0);
  check('nothing left on the devices', left === 0, left);
  const third = Math.ceil(samples.length / 3);
  const rss = samples.slice(1).map((each) => each.rss);
  const growth = mean(rss.slice(-third)) / mean(rss.slice(0, third)) - 1;
  console.log(
    `${minutes} minutes, ${counts.accepted} requests, ${faults} faults; RSS ` +
      `${(growth * 100).toFixed(1)} % more in the last third than in the first; ` +
      `shutdown of ${Math.round(report.durationMs)} ms, clean`,
  );
  check(`RSS to grow by at most ${rssShare * 100} %`, growth <= rssShare, growth);
}

try {
  await soak();
} finally {
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
}

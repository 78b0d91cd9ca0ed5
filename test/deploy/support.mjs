// A model, a simulated device, and the service of examples/deploy as a process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { simulatedEnvironment } from '../../dist/testing/index.js';

export const root = path.join(import.meta.dirname, '..', '..');
export const deploy = path.join(root, 'examples', 'deploy');
export const packages = path.join(import.meta.dirname, 'node_modules');

/** The least time between the watchdog's end of the service and a manager's SIGKILL. */
export const MARGIN_MS = 5000;

export function makeFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function text(...names) {
  return readFileSync(path.join(deploy, ...names), 'utf8');
}

/** What the service finds where it is deployed. */
export function environment(folder, simulation = {}) {
  const file = path.join(folder, 'model.safetensors');
  const tensors = Array.from({ length: 8 }, (_, at) => {
    return [`t${at}`, { dtype: 'U8', shape: [1024], data_offsets: [1024 * at, 1024 * (at + 1)] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(tensors)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(file, Buffer.concat([length, header, Buffer.alloc(8 * 1024)]));
  const ports = { PORT: '0', HEALTH_PORT: '0' };
  const places = { MODEL: file, REPORTS: path.join(folder, 'reports') };
  return {
    ...process.env,
    NODE_OPTIONS: '',
    ...simulatedEnvironment(simulation),
    ...ports,
    ...places,
  };
}

export function reports(folder) {
  const place = path.join(folder, 'reports');
  const names = readdirSync(place).filter((name) => name.endsWith('.report.json'));
  return names.sort().map((name) => JSON.parse(readFileSync(path.join(place, name), 'utf8')));
}

export function start([command, ...args], options) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let said = '';
  const keep = (chunk) => (said += chunk);
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, said }));
  const ending = ended.then(() => 'ended');
  /** Resolves to the first line on stdout that matches; rejects with all it said when it ends without. */
  const line = async (pattern) => {
    for (;;) {
      const found = pattern.exec(said);
      if (found !== null) return found[0];
      const what = await Promise.race([once(child.stdout, 'data'), ending]);
      if (what === 'ended') throw new Error(said);
    }
  };
  /** Resolves to the ports once it serves. */
  const serving = async () => JSON.parse(await line(/^\{"port".*\}$/mu));
  return { child, ended, line, serving };
}

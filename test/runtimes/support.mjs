// Children that live through a situation, and what they told.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

export function makeFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The folder of an example, with the packages of this one, unless it has been installed by itself. */
export function linkExample(name, packages) {
  const root = path.join(import.meta.dirname, '..', '..');
  const example = path.join(root, 'examples', name);
  const links = { 'cuda-shutdown': root };
  for (const each of packages) links[each] = path.join(import.meta.dirname, 'node_modules', each);
  for (const [each, target] of Object.entries(links)) {
    const link = path.join(example, 'node_modules', each);
    mkdirSync(path.dirname(link), { recursive: true });
    if (!existsSync(link)) symlinkSync(target, link);
  }
  return example;
}

export const life = path.join(import.meta.dirname, 'life.mjs');

/** With `signal`, it gets that as soon as it has printed `when`. */
export async function run(args, { env = {}, signal, when, onStart } = {}) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1', NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), 90_000);
  let stdout = '';
  let stderr = '';
  let signalledAt;
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    if (signalledAt !== undefined || when === undefined || !stdout.includes(when)) return;
    signalledAt = performance.now();
    onStart?.(stdout);
    if (signal !== undefined) child.kill(signal);
  });
  const [code, endedBy] = await once(child, 'close');
  clearTimeout(limit);
  const line = stdout.split('\n').findLast((text) => text.startsWith('told '));
  return {
    end: [code, endedBy],
    stdout,
    stderr,
    told: line === undefined ? undefined : JSON.parse(line.slice('told '.length)),
    msFromSignal: signalledAt === undefined ? undefined : performance.now() - signalledAt,
  };
}

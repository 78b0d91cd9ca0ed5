// How late the watchdog ends a process whose event loop is blocked, counted from its deadline: with the
// machine at rest but for that loop, and with every core kept busy twice over.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { interleaved } from './interleaved.mjs';
import { buildProgram } from './reference.mjs';
import { rowsAgainst } from './rows.mjs';

const LIMIT_MS = 500;
const programs = path.join(import.meta.dirname, 'programs');

/** Answers the milliseconds from the deadline to the end. */
function outlives(command, ...args) {
  return async () => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(child, 'exit');
    await Promise.race([once(child.stdout, 'data'), ended]);
    const sentAt = performance.now();
    child.kill('SIGTERM');
    const [code, signal] = await ended;
    const ms = performance.now() - sentAt - LIMIT_MS;
    if (code !== 124) throw new Error(`Expected ${command} to end with 124, got ${code ?? signal}`);
    return ms;
  };
}

async function underLoad(work) {
  const busy = Array.from({ length: 2 * availableParallelism() }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  try {
    return await work();
  } finally {
    for (const child of busy) child.kill('SIGKILL');
    await Promise.all(busy.map((child) => once(child, 'exit')));
  }
}

export async function run({ quick, folder }) {
  const plain = buildProgram('signal-deadline', folder);
  const contenders = {
    ours: outlives(process.execPath, path.join(programs, 'blocked.mjs'), String(LIMIT_MS)),
    'C++, sigwait and sleep': outlives(plain, String(LIMIT_MS)),
  };
  const measure = () => interleaved(contenders, quick ? 3 : 30);
  const atRest = await measure();
  const loaded = await underLoad(measure);
  const rows = (when, { ours, ...references }) =>
    rowsAgainst(`end after the deadline of ${LIMIT_MS} ms, ${when}`, 'ms', ours, references);
  return [
    ...rows('loop blocked', atRest),
    ...rows('loop blocked, all cores busy twice over', loaded),
  ];
}

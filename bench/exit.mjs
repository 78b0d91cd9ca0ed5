// SIGTERM to the end of the process, with steps that do nothing: `npm run bench:exit`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { roundsFromArguments, timeInterleaved } from './interleaved.mjs';

const programs = path.join(import.meta.dirname, 'programs');

/** Answers the milliseconds from the signal to the end. */
function ends(program, ...args) {
  return async () => {
    const child = spawn(process.execPath, [path.join(programs, program), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr.resume();
    const ended = once(child, 'exit');
    // One that fails to start ends without a word.
    await Promise.race([once(child.stdout, 'data'), ended]);
    const sentAt = performance.now();
    child.kill('SIGTERM');
    const [code, signal] = await ended;
    const ms = performance.now() - sentAt;
    if (code !== 0) throw new Error(`Expected ${program} to end with 0, got ${code ?? signal}`);
    return ms;
  };
}

await timeInterleaved(
  'SIGTERM to the end of the process',
  {
    'bare Node': ends('bare.mjs'),
    'close-with-grace': ends('close-with-grace.mjs'),
    '1 step': ends('cuda-shutdown.mjs', '1', 'quiet'),
    '50 steps': ends('cuda-shutdown.mjs', '50', 'quiet'),
    '1 step, a line each': ends('cuda-shutdown.mjs', '1'),
    '50 steps, a line each': ends('cuda-shutdown.mjs', '50'),
  },
  roundsFromArguments(40),
);

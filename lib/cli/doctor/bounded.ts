/**
 * A command within a time: what hangs is left behind. Not even SIGKILL ends a process that sleeps inside a
 * driver, so nothing of it is waited for.
 */

import { spawn } from 'node:child_process';

export interface Bounded {
  /** `missing`: there is no such command, or it could not be started. `hung`: its time was over. */
  readonly end: 'exited' | 'killed' | 'hung' | 'missing';
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LONGEST = 1 << 20;

/** Never rejects. */
export function runBounded(
  command: string,
  args: readonly string[],
  limitMs: number,
): Promise<Bounded> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (said[name].length < LONGEST) said[name] += text;
      });
    }
    const settle = (
      end: Bounded['end'],
      code: Bounded['code'],
      signal: Bounded['signal'],
    ): void => {
      clearTimeout(timer);
      resolve({ end, code, signal, ...said });
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.unref();
      child.stdout.destroy();
      child.stderr.destroy();
      settle('hung', null, null);
    }, limitMs);
    child.once('error', () => {
      settle('missing', null, null);
    });
    child.once('close', (code, signal) => {
      settle(signal === null ? 'exited' : 'killed', code, signal);
    });
  });
}

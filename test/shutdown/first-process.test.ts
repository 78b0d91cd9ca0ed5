/** Process 1 of a container: the kernel ignores signals for which it has no handler. */

import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { Child } from '../support/child.js';

const UNSHARE = ['unshare', '--fork', '--pid', '--kill-child'];
const permitted = spawnSync('unshare', [...UNSHARE.slice(1), 'true']).status === 0;
if (!permitted) console.warn('Skipped: `unshare --pid` is not permitted here');

(permitted ? describe : describe.skip)('process 1', () => {
  const first = (way: string): Child =>
    new Child('first-process.mjs', { args: [way], under: (command) => [...UNSHARE, ...command] });

  test('is shut down as any other', async () => {
    const end = await first('').end;
    expect(end).toMatchObject({ code: 0, stdout: 'step of process 1\n' });
    expect(end.stderr).toContain('✓ Shutdown (SIGTERM): clean after');
  });

  test('is ended by the watchdog when it is stuck', async () => {
    const end = await first('blocks').end;
    expect(end).toMatchObject({ code: 124, stdout: 'step of process 1\n' });
    expect(end.stderr).toContain('pending: step');
  });
});

test('a SIGHUP that nohup has set to be ignored begins a shutdown: Node undoes it', async () => {
  const under = (command: readonly string[]): string[] => [
    ...['sh', '-c', 'trap "" HUP; exec "$@"', 'sh'],
    ...command,
  ];
  const child = new Child('slow-step.mjs', { under });
  await child.saw('ready');
  child.signal('SIGHUP');
  const end = await child.end;
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.stderr).toContain('✓ Shutdown (SIGHUP): clean after');
});

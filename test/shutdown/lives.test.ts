/** A table of lives: what begins a shutdown × when something goes wrong × what. Each is a process. */

import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { Child } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';

/** What begins it, the reason in the report, and the exit code when nothing else goes wrong. */
const TRIGGERS = [
  ['signal', 'SIGTERM', 0],
  ['start', 'start()', 0],
  ['message', 'shutdown message', 0],
  ['empty', 'beforeExit', 0],
  ['throws', 'uncaughtException', 1],
] as const;

type Outcome = 'as it was' | 'degraded' | 'forced' | 'not told';

/**
 * When, what, the exit code (undefined: as it was), the outcome in the report, the last words, and the
 * time limit where it is reached.
 */
const FAULTS: readonly [string, string, number | undefined, Outcome, string, number?][] = [
  ['idle', 'none', undefined, 'as it was', 'Shutdown ('],
  ['idle', 'sets-7', 7, 'as it was', 'Shutdown ('],
  ['begin', 'throws', undefined, 'as it was', '(observer): Error: the fault'],
  ['begin', 'throws-later', 1, 'degraded', '(uncaught): Error: the fault'],
  ['begin', 'rejects', 1, 'degraded', '(uncaught): Error: the fault'],
  ['begin', 'hangs', undefined, 'as it was', 'Shutdown ('],
  ['begin', 'blocks', 124, 'not told', 'the deadline of 1500 ms passed', 1500],
  ['begin', 'exits-0', 1, 'forced', 'Cut short by an exit of the process'],
  ['begin', 'starts-again', undefined, 'as it was', 'Shutdown ('],
  ['begin', 'duplicate-signal', undefined, 'as it was', 'Shutdown ('],
  ['abort', 'throws', 1, 'degraded', '(uncaught): Error: the fault'],
  ['step', 'throws', 1, 'degraded', 'first: Error: the fault'],
  ['step', 'throws-later', 1, 'degraded', '(uncaught): Error: the fault'],
  ['step', 'rejects', 1, 'degraded', '(uncaught): Error: the fault'],
  ['step', 'hangs', 1, 'degraded', 'The step `first` did not end within'],
  ['step', 'blocks', 124, 'not told', 'pending: first; exit code 124', 1500],
  ['step', 'exits-0', 1, 'forced', 'Cut short by an exit of the process'],
  ['step', 'exits-3', 3, 'forced', 'Cut short by an exit of the process'],
  ['step', 'sets-7', 7, 'as it was', 'Shutdown ('],
  ['step', 'starts-again', undefined, 'as it was', 'Shutdown ('],
  ['step', 'loses-stderr', undefined, 'as it was', ''],
  ['step', 'duplicate-signal', undefined, 'as it was', 'Shutdown ('],
  ['step', 'second-signal', 130, 'forced', 'Cut short by a second signal, SIGINT'],
  ['last', 'throws', 1, 'degraded', 'last: Error: the fault'],
  ['last', 'hangs', 1, 'degraded', 'The step `last` did not end within'],
  ['last', 'blocks', 124, 'not told', 'pending: last; exit code 124', 1500],
  ['end', 'throws', undefined, 'as it was', '(observer): Error: the fault'],
  ['end', 'throws-later', undefined, 'as it was', 'Shutdown ('],
  ['end', 'hangs', undefined, 'as it was', 'A listener of `end` did not settle', 3000],
  ['end', 'blocks', undefined, 'not told', 'the deadline of 1500 ms passed', 1500],
  ['end', 'exits-3', undefined, 'not told', ''],
  ['exit', 'throws', undefined, 'as it was', 'Shutdown ('],
  ['exit', 'exits-3', undefined, 'as it was', 'Shutdown ('],
  ['exit', 'sets-7', undefined, 'as it was', 'Shutdown ('],
  ['exit', 'blocks', undefined, 'as it was', 'the deadline of 1500 ms passed', 1500],
];

describe.each(TRIGGERS)('begun by %s', (trigger, reason, usual) => {
  test.concurrent.each(FAULTS)(
    '%s: %s',
    async (moment, fault, changed, outcome, words, timeoutMs = 15_000) => {
      const folder = makeFolder();
      const life = JSON.stringify({ folder, trigger, moment, fault, timeoutMs });
      const child = new Child('life.mjs', { args: [life], ipc: trigger === 'message' });
      await child.saw('ready');
      if (trigger === 'signal') child.signal('SIGTERM');
      if (trigger === 'message') child.process.send('shutdown');
      const end = await child.end;

      // What the service itself has set counts where ours would be 0.
      const code = fault === 'sets-7' && usual !== 0 ? usual : (changed ?? usual);
      expect(end).toMatchObject({ code, signal: null });
      // A machine that is too busy to let JavaScript react to a second signal: the watchdog did.
      if (fault === 'second-signal' && end.stderr.includes('a second signal ended it')) return;
      expect(end.stderr).toContain(words);
      if (outcome === 'not told') return;
      const whole = usual === 0 ? 'clean' : 'degraded';
      expect(readReport(folder)).toMatchObject({
        reason,
        exitCode: code,
        outcome: outcome === 'as it was' ? whole : outcome,
      });
    },
  );
});

test('no life leaves half a report', async () => {
  const folder = makeFolder();
  const life = { folder, trigger: 'start', moment: 'end', fault: 'exits-3', timeoutMs: 15_000 };
  await new Child('life.mjs', { args: [JSON.stringify(life)] }).end;
  const files = existsSync(folder) ? readdirSync(folder) : [];
  expect(files.filter((name) => name.endsWith('.report.json')).length).toBeLessThanOrEqual(1);
});

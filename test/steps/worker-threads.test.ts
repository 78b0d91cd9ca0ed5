/** The shutdowns of worker threads, which that of the main thread asks to run. */

import { describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import type { ShutdownReport } from '../../lib/shutdown/report.js';
import type { WorkerThreadsDetails } from '../../lib/steps/worker-threads.js';
import { workerThreads } from '../../lib/steps/worker-threads.js';
import { Child, type ChildEnd } from '../support/child.js';
import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { readLedger } from '../../lib/testing/ledger.js';
import { simulatedWorld, toldBy } from '../support/simulated.js';
import { fakeShutdown } from '../support/shutdown.js';

interface Setting {
  readonly options?: object;
  readonly step?: object | null;
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
}

interface Ended {
  readonly end: ChildEnd;
  readonly report: ShutdownReport;
  readonly details: WorkerThreadsDetails;
}

async function stopped(
  kinds: readonly string[],
  { env = {}, ...setting }: Setting = {},
): Promise<Ended> {
  const child = new Child('threads.mjs', { args: [JSON.stringify({ kinds, ...setting })], env });
  await child.saw('ready');
  child.signal('SIGTERM');
  const end = await child.end;
  const report = toldBy(end) as ShutdownReport;
  return { end, report, details: report.steps[0]?.details as WorkerThreadsDetails };
}

// The step's time is short, that of the shutdown is not: a busy machine must have time for what follows.
const SHORT = { step: { timeoutMs: 1500 } };

describe('worker threads', () => {
  test('end by their own sequences, before the last steps', async () => {
    const { end, report, details } = await stopped(['plain', 'slow']);
    expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(report.outcome).toBe('clean');
    expect(details.threads).toMatchObject([
      { threadId: 1, outcome: 'clean', exitCode: 0, steps: [{ details: { from: 'plain' } }] },
      { threadId: 2, outcome: 'clean', exitCode: 0, steps: [{ name: 'own', status: 'ok' }] },
    ]);
    expect(end.stdout).toContain('plain began SIGTERM');
    expect(end.stdout.indexOf('slow leaves 0')).toBeLessThan(end.stdout.indexOf('last step'));
  });

  test('wait for those that they have started: an end would end those, too', async () => {
    const { end, details } = await stopped(['nested']);
    expect(end.code).toBe(0);
    expect(details.threads.map(({ outcome }) => outcome)).toEqual(['clean', 'clean']);
    expect(end.stdout).toContain('slow began SIGTERM');
    expect(end.stdout).toContain('nested leaves 0');
  });

  test('may be none', async () => {
    const { end, details } = await stopped([]);
    expect(end.code).toBe(0);
    expect(details).toEqual({ threads: [], models: [] });
  });

  test('that were made during the shutdown are asked, too', async () => {
    const { end, details } = await stopped(['asks-for-more']);
    expect(end.code).toBe(0);
    expect(details.threads).toMatchObject([{ outcome: 'clean' }, { outcome: 'clean' }]);
    expect(end.stdout).toContain('late began SIGTERM');
  });

  test('that go on by themselves (`exit: false`) need only have ended their shutdowns', async () => {
    const { end, details } = await stopped(['stays']);
    expect(end.code).toBe(0);
    expect(details.threads).toMatchObject([{ outcome: 'clean' }]);
    expect(end.stdout).not.toContain('stays leaves');
  });

  test('that have taken their shutdown back are left alone', async () => {
    const { end, details } = await stopped(['uninstalled']);
    expect(end.code).toBe(0);
    expect(details.threads).toEqual([]);
  });

  test('that are about to end after shutdowns of their own fail nothing', async () => {
    const { end, details } = await stopped(['leaves-by-itself']);
    expect(end.code).toBe(0);
    expect(details.threads).toEqual([]);
  });

  test('lose nothing of what they have written', async () => {
    const { end } = await stopped(['writes-much']);
    expect(end.code).toBe(0);
    expect(end.stdout.match(/^line \d+ x+$/gm)).toHaveLength(2000);
  });

  test('are redacted by their own hooks', async () => {
    const { end } = await stopped(['redacts']);
    expect(end.stdout).toContain('a ***');
    expect(end.stdout).not.toContain('secret');
  });

  test('write no files of their own', async () => {
    const folder = makeFolder();
    const report = { options: { report: folder } };
    expect((await stopped(['plain'], report)).end.code).toBe(0);
    expect(readdirSync(folder).filter((name) => name.endsWith('.report.json'))).toHaveLength(1);
  });

  test('and the main thread unload models of their own, and leave nothing behind', async () => {
    const model = join(makeFolder(), 'model.safetensors');
    await writeSafetensors(model, [{ name: 'a', dtype: 'U8', shape: [1000] }]);
    const { env, ledger } = simulatedWorld({});
    const { end, report } = await stopped(['model', 'model'], { env, args: [model] });
    expect(end.code).toBe(0);
    expect(report.models).toMatchObject([
      { status: 'unloaded', freedBytes: 1000 },
      { status: 'unloaded', freedBytes: 1000 },
      { status: 'unloaded', freedBytes: 1000 },
    ]);
    expect(readLedger(ledger).devices[0]).toMatchObject({
      usedBytes: 0,
      totalFrees: 3,
      invalidFrees: 0,
    });
  });
});

describe('a worker thread fails the step', () => {
  test.each([
    ['fails', 'thread 1 ended with exit code 1 (own: the fault)', 'degraded'],
    ['throws-while-asked', 'thread 1 ended with exit code 1 ((uncaught): the fault)', 'degraded'],
    [
      'exits-3',
      'thread 1 ended with exit code 3 (own: Cut short by an exit of the process)',
      'forced',
    ],
    ['terminated', 'thread 1 ended before its shutdown had', 'lost'],
  ])('that %s', async (kind, message, outcome) => {
    const { end, report, details } = await stopped([kind, 'plain']);
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(report.steps).toMatchObject([
      { status: 'failed', error: `1 of 2 worker threads did not end well: ${message}` },
      { name: 'last', status: 'ok' },
    ]);
    expect(report.errors).toMatchObject([{ step: 'threads', message }]);
    expect(details.threads).toMatchObject([{ threadId: 1, outcome }, { outcome: 'clean' }]);
  });

  test('whose step hangs, within the time of the main thread', async () => {
    const { end, report, details } = await stopped(['hangs'], SHORT);
    expect(end.code).toBe(1);
    expect(report.steps).toMatchObject([{ status: 'failed' }, { status: 'ok' }]);
    expect(details.threads).toMatchObject([
      { outcome: 'degraded', steps: [{ name: 'own', status: 'timed-out' }] },
    ]);
  });

  test('whose step hangs, within its own time', async () => {
    const { end, details } = await stopped(['own-limit']);
    expect(end.code).toBe(1);
    expect(end.stdout).toContain('own-limit began SIGTERM 300');
    expect(details.threads).toMatchObject([{ outcome: 'degraded' }]);
  });
});

describe('a worker thread that is inside native work', () => {
  test.each(['blocked', 'blocks-in-step'])(
    'is left behind and never terminated: %s',
    async (kind) => {
      const { end, report, details } = await stopped([kind, 'plain'], SHORT);
      expect(end).toMatchObject({ code: 1, signal: null });
      expect(report.steps).toMatchObject([{ status: 'timed-out' }, { status: 'ok' }]);
      expect(report.errors.map(({ message }) => message)).toContain(
        'thread 1 had not ended its shutdown in time, and was left behind',
      );
      expect(details.threads).toMatchObject([{ outcome: 'pending' }, { outcome: 'clean' }]);
      expect(end.stdout).not.toContain(`exit ${kind}`);
    },
  );

  test('for a while runs its sequence when that has come back', async () => {
    const { end } = await stopped(['blocked-a-while']);
    expect(end.code).toBe(0);
    expect(end.stdout).toContain('blocked-a-while began SIGTERM');
  });

  test.each([
    ['plain', 0],
    ['blocked', 1],
    ['blocks-in-step', 1],
  ])('is not terminated where Node writes its coverage: %s', async (kind, code) => {
    const folder = makeFolder();
    const { end } = await stopped([kind], { ...SHORT, env: { NODE_V8_COVERAGE: folder } });
    expect(end).toMatchObject({ code, signal: null });
    expect(readdirSync(folder).filter((name) => name.endsWith('-0.json'))).toHaveLength(1);
  });

  test('of a hung free is left behind: the rest is unloaded', async () => {
    const model = join(makeFolder(), 'model.safetensors');
    await writeSafetensors(model, [{ name: 'a', dtype: 'U8', shape: [1000] }]);
    const { env } = simulatedWorld({ faults: 'cudaFreeAsync#1=hang' });
    const { end, report } = await stopped(['model'], { ...SHORT, env, args: [model] });
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(report.steps[0]).toMatchObject({ name: 'threads', status: 'failed' });
  });
});

describe('an error that a worker thread does not catch', () => {
  test.each([
    ['throws', 'uncaughtException'],
    ['rejects', 'unhandledRejection'],
  ])('runs its sequence, and is then an error of the worker: %s', async (kind, reason) => {
    const child = new Child('threads.mjs', { args: [JSON.stringify({ kinds: [kind] })] });
    await child.saw(`exit ${kind}`);
    child.signal('SIGTERM');
    const { code, stdout } = await child.end;
    // The main thread's business: here it goes on.
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `${kind} began ${reason}[^]*leaves 1[^]*error ${kind} the fault.*\nexit ${kind} 1`,
      ),
    );
  });

  test('is Node’s own affair with `uncaught: false`', async () => {
    const kind = 'throws-own-way';
    const child = new Child('threads.mjs', { args: [JSON.stringify({ kinds: [kind] })] });
    await child.saw(`exit ${kind} 1`);
    child.signal('SIGTERM');
    const { stdout } = await child.end;
    expect(stdout).toContain(`error ${kind} the fault`);
    expect(stdout).not.toContain('began');
  });
});

test('a worker thread that has nothing left to do runs its sequence', async () => {
  const child = new Child('threads.mjs', { args: [JSON.stringify({ kinds: ['loop-empties'] })] });
  await child.saw('exit loop-empties 0');
  child.signal('SIGTERM');
  const { code, stdout } = await child.end;
  expect(code).toBe(0);
  expect(stdout).toContain('loop-empties began beforeExit');
});

test('a shutdown that is not installed ends only its thread', async () => {
  const kinds = ['starts-uninstalled'];
  const child = new Child('threads.mjs', { args: [JSON.stringify({ kinds })] });
  await child.saw('exit starts-uninstalled 0');
  child.signal('SIGTERM');
  const { code, stdout } = await child.end;
  expect(code).toBe(0);
  expect(stdout).toContain('last step');
});

test('a shutdown without the step says that it leaves worker threads out', async () => {
  const { end, report } = await stopped(['plain'], { step: null });
  expect(end.code).toBe(0);
  const message =
    'Worker threads have shutdowns of their own, and no step asks for them (ids 1): add workerThreads()';
  expect(report.errors).toMatchObject([{ step: '(threads)', message }]);
  expect(end.stdout).toContain(`problem (threads) ${message}`);
});

describe('workerThreads', () => {
  test('takes the options of a step', async () => {
    const steps = fakeShutdown()
      .add(workerThreads({ name: 'pool', phase: 'models', after: ['a'] }))
      .add('a', () => 0);
    const report = await steps.start();
    expect(report.steps).toMatchObject([
      { name: 'a', status: 'ok' },
      { name: 'pool', status: 'ok', details: { threads: [], models: [] } },
    ]);
  });

  test('refuses others', () => {
    expect(() => workerThreads({ concurrency: 1 } as never)).toThrow(
      'Expected the option name to be one of name, phase, after, timeoutMs, reserveMs',
    );
    expect(() => workerThreads({ name: '' })).toThrow('a non-empty string');
  });
});

test('installInWorker() is for workers, and once in each', async () => {
  expect(() => fakeShutdown().installInWorker()).toThrow('This is the main thread: call install()');
  const child = new Child('thread-refusals.mjs');
  expect(toldBy(await child.end)).toEqual([
    'A shutdown can be installed on the main thread only, as workers get no signals; in a worker thread call installInWorker()',
    'workerThreads() is for the main thread, which asks the workers of all threads',
    'A shutdown is installed in this thread already; one is enough: add to it',
    'again',
  ]);
});

/** How processes end: each life in a process of its own. */

import { describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Child, runChild } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';

describe('a shutdown that is called', () => {
  test('runs the phases, resolves, runs the exit listeners, and ends with 0', async () => {
    const folder = makeFolder();
    const end = await runChild('every-step-ok.mjs', { args: [folder] });
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.stdout.trim().split('\n')).toEqual([
      'intake',
      'service',
      'logs',
      'resolved clean',
      'exit listener 0',
    ]);
    expect(end.stderr).toContain('✓ Shutdown (deploy): clean after');
    expect(readReport(folder)).toMatchObject({ reason: 'deploy', outcome: 'clean', exitCode: 0 });
  });

  test('survives every way in which a step can fail, and ends with 1', async () => {
    const folder = makeFolder();
    const end = await runChild('misbehaving-steps.mjs', { args: [folder] });
    expect(end).toMatchObject({ code: 1, signal: null, stdout: '' });
    const { steps, errors } = readReport(folder);
    expect(Object.fromEntries(steps.map(({ name, status }) => [name, status]))).toEqual({
      throws: 'failed',
      rejects: 'failed',
      'throws-text': 'failed',
      'throws-nothing': 'failed',
      'never-settles': 'timed-out',
      'rejects-late': 'timed-out',
      'answers-abort': 'timed-out',
      last: 'ok',
    });
    expect(errors).toHaveLength(7);
  });

  test('survives listeners that throw', async () => {
    const folder = makeFolder();
    const end = await runChild('listener-throws.mjs', { args: [folder] });
    expect(end).toMatchObject({ code: 0, signal: null });
    const { errors, steps } = readReport(folder);
    expect(steps).toMatchObject([{ name: 'a', status: 'ok' }]);
    expect(new Set(errors.map((error) => error.message))).toEqual(
      new Set(['begin listener', 'step listener', 'progress listener', 'problem listener']),
    );
  });

  test("keeps the service's own exit code when an exit listener throws", async () => {
    const end = await runChild('exit-listener-throws.mjs');
    expect(end).toMatchObject({ code: 7, signal: null });
  });

  test('delivers what was written to a slow reader', async () => {
    const child = new Child('writes-much.mjs');
    child.process.stdout?.pause();
    await child.saw('ready');
    child.process.stdout?.resume();
    const { code, stdout } = await child.end;
    expect(code).toBe(0);
    expect(stdout).toHaveLength(2 ** 20 + 4);
  });

  test('only tells of a report that cannot be written', async () => {
    const file = join(makeFolder(), 'file');
    writeFileSync(file, '');
    const end = await runChild('every-step-ok.mjs', { args: [join(file, 'reports')] });
    expect(end.code).toBe(0);
    expect(end.stderr).toContain(`The report could not be written to \`${file}/reports\``);
  });
});

describe('a signal', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s begins a shutdown', async (name) => {
    const child = new Child('slow-step.mjs');
    await child.saw('ready');
    child.signal(name);
    const end = await child.end;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.stderr).toContain(`✓ Shutdown (${name}): clean after`);
  });

  test('that comes twice within 1 ms begins one shutdown', async () => {
    const child = new Child('slow-step.mjs');
    await child.saw('ready');
    child.signal('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 1));
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.durationMs).toBeGreaterThan(600);
  });

  test('that comes after start() joins the shutdown', async () => {
    const child = new Child('slow-step.mjs', { args: ['call'] });
    await child.saw('ready');
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.stderr).toContain('✓ Shutdown (call): clean after');
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('that is a second one, %s, ends at once with %d', async (name, code) => {
    const folder = makeFolder();
    const child = new Child('hung-step.mjs', { args: [folder] });
    await child.saw('ready');
    child.signal('SIGTERM');
    await child.saw('hung running');
    await new Promise((resolve) => setTimeout(resolve, 600));
    child.signal(name);
    const end = await child.end;
    expect(end).toMatchObject({ code, signal: null });
    expect(end.durationMs).toBeLessThan(5000);
    expect(end.stdout).toContain(`exit listener ${code}`);
    expect(readReport(folder)).toMatchObject({
      reason: 'SIGTERM',
      outcome: 'forced',
      exitCode: code,
      steps: [
        { name: 'done', status: 'ok' },
        { name: 'hung', status: 'failed', error: `Cut short by a second signal, ${name}` },
        { name: 'logs', status: 'skipped' },
      ],
    });
  });

  test('after an `exit: false` ends the process', async () => {
    const child = new Child('stops-without-exit.mjs');
    await child.saw('ready');
    child.signal('SIGTERM');
    await child.saw('over clean');
    child.signal('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(child.process.exitCode).toBeNull();
    child.signal('SIGINT');
    expect(await child.end).toMatchObject({ code: 130, signal: null });
  });

  test('after uninstall() has its default action', async () => {
    const child = new Child('uninstalls.mjs');
    await child.saw('ready');
    child.signal('SIGTERM');
    expect(await child.end).toMatchObject({ code: null, signal: 'SIGTERM' });
  });
});

test('a reader of stdout and stderr that is gone does not end the shutdown', async () => {
  const folder = makeFolder();
  const child = new Child('writes-to-nobody.mjs', { args: [folder] });
  await child.saw('ready');
  child.process.stdout?.destroy();
  child.process.stderr?.destroy();
  child.signal('SIGTERM');
  expect(await child.end).toMatchObject({ code: 0, signal: null });
  expect(readReport(folder)).toMatchObject({ outcome: 'clean', exitCode: 0 });
});

test('a second install, and one in a worker, are refused', async () => {
  const { stdout } = await runChild('installs-twice.mjs');
  expect(stdout.trim().split('\n')).toEqual([
    'first: installed',
    'second: A shutdown is installed in this process already; one is enough: add to it',
    'worker: A shutdown can be installed on the main thread only, as workers get no signals; in a worker thread call installInWorker()',
  ]);
});

test('a profile is written at the exit', async () => {
  const folder = makeFolder();
  const end = await runChild('every-step-ok.mjs', {
    execArgv: ['--cpu-prof', `--cpu-prof-dir=${folder}`],
    args: [join(folder, 'reports')],
  });
  expect(end.code).toBe(0);
  expect(await readdir(folder)).toEqual(
    expect.arrayContaining([expect.stringMatching(/\.cpuprofile$/)]),
  );
});

/** Errors that nobody catches, each in a process of its own. */

import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { Child, runChild, type ChildEnd } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';

const crash = (folder: string, way: string, options: object = {}): Promise<ChildEnd> =>
  runChild('crashes.mjs', { args: [folder, way, JSON.stringify(options)] });

const nodeOfChildren = (): string => {
  const node = process.env.CUDA_SHUTDOWN_TEST_NODE ?? process.execPath;
  return execFileSync(node, ['--version'], { encoding: 'utf8' });
};

describe('an error that nobody catches', () => {
  test.each([
    ['throws', 'uncaughtException', 'thrown'],
    ['throws-nothing', 'uncaughtException', 'Expected an Error to be thrown, got `null` (null)'],
    ['rejects', 'unhandledRejection', 'rejected'],
    ['rejects-text', 'unhandledRejection', 'Expected an Error to be thrown, got `text` (string)'],
  ])('%s: begins a shutdown that ends with 1', async (way, reason, message) => {
    const folder = makeFolder();
    const end = await crash(folder, way);
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(end.stdout).toBe(`ready\nbegan ${reason}\nlast step\n`);
    expect(end.stderr).toContain(`✗ (uncaught): Error: ${message}`);
    expect(readReport(folder)).toMatchObject({
      reason,
      outcome: 'degraded',
      exitCode: 1,
      steps: [{ status: 'ok' }, { status: 'ok' }],
      errors: [{ step: '(uncaught)', message }],
    });
  });

  test('is said with its stack, before all else', async () => {
    const { stderr } = await crash(makeFolder(), 'throws');
    expect(stderr).toMatch(/^✗ \(uncaught\): Error: thrown\n +at .*crashes\.mjs/u);
  });

  test.each([
    ['as a warning', '--unhandled-rejections=warn'],
    // Node 20.19 aborts then by itself: a rejection takes its asynchronous context away.
    ...(nodeOfChildren().startsWith('v20.19.')
      ? []
      : [['as an exception first', '--unhandled-rejections=strict'] as const]),
  ])('counts once where Node raises rejections %s', async (_, flag) => {
    const folder = makeFolder();
    const args = [folder, 'rejects'];
    const end = await runChild('crashes.mjs', { args, execArgv: [flag] });
    expect(end.code).toBe(1);
    expect(readReport(folder)).toMatchObject({
      reason: 'unhandledRejection',
      errors: [{ message: 'rejected' }],
    });
  });

  test('begins a shutdown also where the service has a listener of its own', async () => {
    const end = await crash(makeFolder(), 'own-listener');
    expect(end.code).toBe(1);
    expect(end.stdout).toContain('own listener');
    expect(end.stdout).toContain('began unhandledRejection');
  });

  test('is told to the logger, and on stderr where there is neither', async () => {
    const logged = await crash(makeFolder(), 'throws', { logger: true });
    expect(logged.stdout).toContain('logged Shutdown problem in (uncaught)');
    expect(logged.stderr).toBe('');
    const silent = await crash(makeFolder(), 'throws', { console: false });
    expect(silent.stderr).toContain('✗ (uncaught): Error: thrown');
    expect(silent.stderr).not.toContain('Shutdown');
  });
});

describe('while a shutdown runs', () => {
  test('errors do not stop it, are recorded, and make the exit code 1', async () => {
    const folder = makeFolder();
    const child = new Child('crashes.mjs', { args: [folder, 'during'] });
    await child.saw('ready');
    child.signal('SIGTERM');
    expect(await child.end).toMatchObject({ code: 1, signal: null });
    const { reason, outcome, steps, errors } = readReport(folder);
    expect({ reason, outcome }).toEqual({ reason: 'SIGTERM', outcome: 'degraded' });
    expect(steps).toMatchObject([{ status: 'ok' }, { status: 'ok' }]);
    expect(new Set(errors.map(({ step, message }) => `${step} ${message}`))).toEqual(
      new Set(['(uncaught) thrown', '(uncaught) rejected']),
    );
  });

  test('an error that comes again and again fills neither memory nor report', async () => {
    const folder = makeFolder();
    const child = new Child('crashes.mjs', { args: [folder, 'for-ever'] });
    await child.saw('ready');
    child.signal('SIGTERM');
    expect(await child.end).toMatchObject({ code: 1, signal: null });
    expect(readReport(folder).errors.length).toBeLessThanOrEqual(50);
  });

  test('so is one of a listener of its signal', async () => {
    const folder = makeFolder();
    const child = new Child('crashes.mjs', { args: [folder, 'abort-listener'] });
    await child.saw('ready');
    child.signal('SIGTERM');
    expect(await child.end).toMatchObject({ code: 1, signal: null });
    expect(readReport(folder)).toMatchObject({
      steps: [{ status: 'ok' }, { status: 'ok' }],
      errors: [{ step: '(uncaught)', message: 'listener' }],
    });
  });
});

describe('with `uncaught: false`', () => {
  test("an error ends the process in Node's own way", async () => {
    const end = await crash(makeFolder(), 'throws', { uncaught: false });
    expect(end).toMatchObject({ code: 1, stdout: 'ready\n' });
    expect(end.stderr).toContain('Error: thrown');
  });
});

describe('with `exit: false`', () => {
  test('the process ends by itself, and not with 0', async () => {
    const end = await crash(makeFolder(), 'throws', { exit: false });
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(end.stdout).toContain('last step');
  });

  test('an error after the end is left to Node', async () => {
    const end = await crash(makeFolder(), 'stays', { exit: false });
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(end.stderr).toContain('throw new Error(text)');
  });
});

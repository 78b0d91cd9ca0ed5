/** The time for which a service stays at work after its shutdown has begun. */

import { describe, expect, test } from '@jest/globals';
import { Child, runChild } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';

const delayed = (folder: string, options: object, fault = ''): Child =>
  new Child('delayed-service.mjs', { args: [folder, JSON.stringify(options), fault] });

test('requests are answered during the delay, and the steps come behind it', async () => {
  const folder = makeFolder();
  const child = delayed(folder, { delayMs: 700 });
  await child.saw(';');
  child.signal('SIGTERM');
  await child.saw('began SIGTERM');
  const port = /ready (\d+)/u.exec(child.stdout)?.[1] ?? '';
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('aborted false');
  const end = await child.end;
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.stdout).toMatch(/began SIGTERM\naborted\n$/u);
  const { steps, outcome } = readReport(folder);
  expect(outcome).toBe('clean');
  expect(steps[0]?.startMs).toBeGreaterThan(690);
});

describe('the delay', () => {
  test('is ended by a second signal, and a duplicate does not end it', async () => {
    const folder = makeFolder();
    const child = delayed(folder, { delayMs: 15_000 });
    await child.saw(';');
    child.signal('SIGTERM');
    child.signal('SIGTERM');
    await child.saw('began');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(child.process.exitCode).toBeNull();
    child.signal('SIGHUP');
    const end = await child.end;
    expect(end).toMatchObject({ code: 129, signal: null });
    expect(end.stdout).not.toContain('aborted');
    expect(readReport(folder)).toMatchObject({
      outcome: 'forced',
      steps: [{ name: 'http', status: 'skipped' }],
    });
  });

  test('is cut short by an error that nobody catches', async () => {
    const folder = makeFolder();
    const child = delayed(folder, { delayMs: 15_000 }, 'throws');
    await child.saw(';');
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(end.durationMs).toBeLessThan(10_000);
    expect(readReport(folder)).toMatchObject({
      reason: 'SIGTERM',
      steps: [{ status: 'ok' }],
      errors: [{ step: '(uncaught)', message: 'in the delay' }],
    });
  });

  test.each([
    ['crashes', 'unhandledRejection', 1],
    ['empty', 'beforeExit', 0],
  ])('is left out where there is nothing to stay at work for: %s', async (fault, reason, code) => {
    const folder = makeFolder();
    const args = [folder, JSON.stringify({ delayMs: 15_000 }), fault];
    const end = await runChild('delayed-service.mjs', { args });
    expect(end).toMatchObject({ code, signal: null });
    expect(readReport(folder)).toMatchObject({ reason });
  });

  test('counts in the time limit: a loop that is blocked in it ends with 124', async () => {
    const child = delayed(makeFolder(), { delayMs: 500, timeoutMs: 800 }, 'blocks');
    await child.saw(';');
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end).toMatchObject({ code: 124, signal: null });
    expect(end.stderr).toContain('pending: (delay)');
  });
});

/** The native watchdog under the sequence: what JavaScript cannot do, it does. */

import { describe, expect, test } from '@jest/globals';
import { Child } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';

describe('the watchdog ends a process', () => {
  test('whose event loop is blocked when the signal comes', async () => {
    const child = new Child('blocks-the-loop.mjs', { args: ['500'] });
    await child.saw('ready');
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end).toMatchObject({ code: 124, signal: null });
    expect(end.durationMs).toBeGreaterThan(450);
    expect(end.durationMs).toBeLessThan(3000);
  });

  test('in which a step blocks the event loop, and says which', async () => {
    const child = new Child('step-blocks.mjs');
    await child.saw('ready');
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end).toMatchObject({ code: 124, signal: null });
    expect(end.stderr).toContain('blocks');
  });

  test('is the end of one that blocks, and what had ended before stands there', async () => {
    const child = new Child('step-blocks-later.mjs');
    await child.saw('ready');
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end.code).toBe(124);
    expect(end.stderr).toContain('✓ ends');
    expect(end.stderr).toMatch(/pending: blocks; exit code 124/);
  });

  test('whose exit listener hangs, with the code that was decided', async () => {
    const child = new Child('exit-listener-hangs.mjs');
    await child.saw('ready');
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.durationMs).toBeLessThan(3000);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('that is blocked, at a second signal, %s, with %d', async (name, code) => {
    const child = new Child('blocks-the-loop.mjs', { args: ['15000'] });
    await child.saw('ready');
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.signal('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 700));
    child.signal(name);
    const end = await child.end;
    expect(end).toMatchObject({ code, signal: null });
    expect(end.stderr).toContain('a second signal ended it');
    expect(end.durationMs).toBeLessThan(5000);
  });
});

describe('the watchdog leaves a process alone', () => {
  test('that leaves a hung step behind in time', async () => {
    const child = new Child('watched-hung-step.mjs', { args: ['4000'] });
    await child.saw('ready');
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(end.stdout).toContain('hung timed-out');
  });

  test('that ends itself at a second signal', async () => {
    const child = new Child('watched-hung-step.mjs', { args: ['15000'] });
    await child.saw('ready');
    child.signal('SIGTERM');
    await child.saw('hung running');
    await new Promise((resolve) => setTimeout(resolve, 600));
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end).toMatchObject({ code: 143, signal: null });
    expect(end.stderr).toContain('Cut short by a second signal, SIGTERM');
  });

  test('that goes on after an `exit: false`', async () => {
    const child = new Child('watched-without-exit.mjs');
    await child.saw('ready');
    child.signal('SIGTERM');
    await child.saw('over');
    // A duplicate of the first must not start another countdown.
    child.signal('SIGTERM');
    expect(await child.end).toMatchObject({ code: 0, signal: null });
  });
});

test('the time counts from the arrival of the signal, not from the reaction', async () => {
  const folder = makeFolder();
  const child = new Child('reacts-late.mjs', { args: [folder] });
  await child.saw('ready');
  child.signal('SIGTERM');
  const end = await child.end;
  expect(end).toMatchObject({ code: 1, signal: null });
  expect(end.durationMs).toBeLessThan(3600);
  const { steps, durationMs } = readReport(folder);
  expect(steps[0]?.startMs).toBeGreaterThan(300);
  expect(durationMs).toBeLessThan(3100);
});

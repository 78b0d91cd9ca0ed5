/** What was decided stays: exit code and time limit, whatever else wants to change them. */

import { describe, expect, test } from '@jest/globals';
import { Child, type ChildEnd, type ChildOptions } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';
import { makePreload } from '../support/preload.js';

const stopped = async (
  what: string,
  folder = makeFolder(),
  options: object = {},
  child: ChildOptions = {},
): Promise<ChildEnd> => {
  const args = [folder, what, JSON.stringify(options)];
  const life = new Child('integrity.mjs', { ...child, args });
  await life.saw('ready');
  life.signal('SIGTERM');
  return life.end;
};

describe.each([[true], [false]])('with the watchdog %p', (watchdog) => {
  test.each([
    'nothing',
    'exit-listener-exits',
    'exit-listener-sets',
    'exit-listener-signals',
    'exit-patched',
    'child-remains',
    'end-exits',
    'end-throws',
    'clock-jumps',
    'clock-goes-back',
  ])('a clean shutdown ends with 0: %s', async (what) => {
    const end = await stopped(what, undefined, { watchdog });
    expect(end).toMatchObject({ code: 0, signal: null });
  });

  test.each(['clock-jumps', 'clock-goes-back'])('times are right: %s', async (what) => {
    const folder = makeFolder();
    await stopped(what, folder, { watchdog });
    const { durationMs, steps } = readReport(folder);
    expect(durationMs).toBeGreaterThan(90);
    expect(durationMs).toBeLessThan(2000);
    expect(steps.map(({ status }) => status)).toEqual(['ok', 'ok']);
  });

  test.each([
    ['step-exits', {}, 1],
    ['step-exits-3', {}, 3],
    ['step-throws', { uncaught: false }, 1],
  ])('one that somebody else ends is forced: %s', async (what, options, code) => {
    const folder = makeFolder();
    const end = await stopped(what, folder, { watchdog, ...options });
    expect(end).toMatchObject({ code, signal: null });
    expect(readReport(folder)).toMatchObject({
      outcome: 'forced',
      exitCode: code,
      steps: [{ name: 'first' }, { name: 'exits', status: 'failed' }],
    });
  });
});

test('an exit listener that hangs ends at the deadline, with the code that was decided', async () => {
  const end = await stopped('exit-listener-hangs');
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.stderr).toContain('the deadline of 2000 ms passed');
});

describe.each(['destructor', 'atexit'] as const)('native code at the exit, a %s', (where) => {
  test.each([
    ['aborts', null, 'SIGABRT'],
    ['exits', 9, null],
  ] as const)('that %s changes a plain exit, and not ours', async (how, code, signal) => {
    const env = { LD_PRELOAD: makePreload(makeFolder(), where, how) };
    const plain = new Child('integrity.mjs', { args: [makeFolder(), 'plain'], env });
    expect(await plain.end).toMatchObject({ code, signal });
    expect(await stopped('nothing', undefined, {}, { env })).toMatchObject({ code: 0 });
  });

  test('that hangs does not hang ours, and under a profiler only up to the deadline', async () => {
    const env = { LD_PRELOAD: makePreload(makeFolder(), where, 'hangs') };
    const end = await stopped('nothing', undefined, {}, { env });
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.stderr).not.toContain('deadline');
    const execArgv = ['--cpu-prof', `--cpu-prof-dir=${makeFolder()}`];
    const profiled = await stopped('nothing', undefined, {}, { env, execArgv });
    expect(profiled).toMatchObject({ code: 0, signal: null });
    expect(profiled.stderr).toContain('the deadline of 2000 ms passed');
  });
});

test('a device thread that is stuck does not outlive the shutdown', async () => {
  const env = {
    CUDA_SHUTDOWN_BACKEND: 'simulated',
    CUDA_SHUTDOWN_SIM_FAULTS: 'cudaMemPoolTrimTo=hang',
  };
  const folder = makeFolder();
  const child = new Child('device-stuck.mjs', { args: [folder], env });
  await child.saw('ready');
  child.signal('SIGTERM');
  const end = await child.end;
  expect(end).toMatchObject({ code: 1, signal: null });
  expect(end.stderr).not.toContain('deadline');
  expect(readReport(folder)).toMatchObject({ outcome: 'degraded', exitCode: 1 });
});

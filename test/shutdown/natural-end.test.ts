/** Processes that end because nothing is left to do. */

import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { runChild } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';

const nodeMajor = Number(
  /^v(\d+)/u.exec(
    execFileSync(process.env.CUDA_SHUTDOWN_TEST_NODE ?? process.execPath, ['--version'], {
      encoding: 'utf8',
    }),
  )?.[1],
);

describe('an event loop that is empty', () => {
  test.each([
    ['plain', 0, 'clean', 'ok'],
    ['fails', 1, 'degraded', 'failed'],
    ['hangs', 1, 'degraded', 'timed-out'],
    ['unwatched-hangs', 1, 'degraded', 'timed-out'],
    ['own-code', 7, 'clean', 'ok'],
    // Node 22 and later tell nobody of a top-level await that never settles.
    ['unsettled', nodeMajor === 20 ? 13 : 0, 'clean', 'ok'],
  ])('%s: runs the steps once and ends with %d', async (way, code, outcome, status) => {
    const folder = makeFolder();
    const end = await runChild('natural-end.mjs', { args: [folder, way] });
    expect(end).toMatchObject({ code, signal: null });
    expect(end.stdout.trim().split('\n')).toEqual([
      'work done',
      'beforeExit',
      'first',
      'logs',
      `exit listener ${code}`,
    ]);
    expect(readReport(folder)).toMatchObject({
      reason: 'beforeExit',
      outcome,
      exitCode: code,
      steps: [
        { name: 'first', status },
        { name: 'logs', status: 'ok' },
      ],
    });
  });

  test('does not end the process while a device is read', async () => {
    const folder = makeFolder();
    const env = {
      CUDA_SHUTDOWN_BACKEND: 'simulated',
      CUDA_SHUTDOWN_SIM_FAULTS: 'cudaMemGetInfo=slow:100',
    };
    const end = await runChild('natural-end.mjs', { args: [folder, 'measures'], env });
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(readReport(folder).devices).toMatchObject([{ index: 0, after: {} }]);
  });

  test('ends a process by itself after an `exit: false`', async () => {
    const folder = makeFolder();
    const end = await runChild('natural-end.mjs', { args: [folder, 'goes-on'] });
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.stdout.match(/first/gu)).toHaveLength(1);
    expect(readReport(folder)).toMatchObject({ reason: 'beforeExit', outcome: 'clean' });
  });

  test('after uninstall() runs nothing', async () => {
    const end = await runChild('natural-end.mjs', { args: [makeFolder(), 'uninstalled'] });
    expect(end.stdout.trim().split('\n')).toEqual(['work done', 'beforeExit', 'exit listener 0']);
  });
});

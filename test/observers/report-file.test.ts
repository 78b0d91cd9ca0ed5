import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reportFile } from '../../lib/observers/report-file.js';
import { reportJson } from '../../lib/observers/report-json.js';
import type { EventSource, Listener } from '../../lib/shutdown/events.js';
import type { ShutdownReport } from '../../lib/shutdown/report.js';
import { Child } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';
import { fakeShutdown } from '../support/shutdown.js';

const report: ShutdownReport = {
  version: 1,
  reason: 'SIGTERM',
  outcome: 'clean',
  exitCode: 0,
  backend: 'none',
  startedAt: '2026-01-02T03:04:05.678Z',
  durationMs: 12,
  steps: [],
  errors: [],
  models: [],
  devices: [],
};

const withDetails = (details: unknown): ShutdownReport => ({
  ...report,
  steps: [{ name: 'a', status: 'ok', startMs: 0, durationMs: 0, details }],
});
const detailsIn = (json: string): unknown => (JSON.parse(json) as ShutdownReport).steps[0]?.details;

describe('the report file', () => {
  test('is written whole, in a folder that is made', async () => {
    const folder = join(makeFolder(), 'a', 'b');
    const shutdown = fakeShutdown().add('a', () => 0);
    reportFile(shutdown, folder);
    const result = await shutdown.start();
    expect(readReport(folder)).toEqual(result);
    expect(readdirSync(folder)).toEqual([
      `${result.startedAt.replaceAll(':', '')}-${process.pid}.report.json`,
    ]);
  });

  test('is there when the listener returns, in a forced ending', () => {
    const folder = makeFolder();
    let end: Listener<'end'> | undefined;
    const source: EventSource = {
      on: (_, listener) => (end = listener as Listener<'end'>),
    };
    reportFile(source, folder);
    expect(end?.({ report: { ...report, outcome: 'forced' } })).toBeUndefined();
    expect(readReport(folder).outcome).toBe('forced');
    expect(readdirSync(folder)).toEqual([`2026-01-02T030405.678Z-${process.pid}.report.json`]);
  });

  test("needs none of libuv's threads, which may be stuck", async () => {
    const folder = makeFolder();
    const fifo = join(makeFolder(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const child = new Child('pool-stuck.mjs', { args: [folder, fifo] });
    await child.saw('ready');
    child.signal('SIGTERM');
    const end = await child.end;
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(readReport(folder)).toMatchObject({ outcome: 'clean', exitCode: 0 });
    expect(end.stderr).toContain('did not settle within');
    expect(end.durationMs).toBeLessThan(6000);
  });

  test('that cannot be written is told, and costs nothing else', async () => {
    const file = join(makeFolder(), 'file');
    writeFileSync(file, '');
    const told: Error[] = [];
    const shutdown = fakeShutdown().on('problem', ({ error }) => told.push(error));
    reportFile(shutdown, join(file, 'reports'));
    expect(await shutdown.start()).toMatchObject({ outcome: 'clean', exitCode: 0 });
    expect(told).toMatchObject([
      {
        message: `The report could not be written to \`${join(file, 'reports')}\``,
        cause: { code: 'ENOTDIR' },
      },
    ]);
  });
});

describe('details that JSON has no form for', () => {
  const circular: { name: string; self?: unknown } = { name: 'c' };
  circular.self = circular;
  const shared = { x: 1 };

  test.each([
    [{ bytes: 2n ** 60n }, { bytes: '1152921504606846976' }],
    [new Map([['a', 1]]), { a: 1 }],
    [new Set([1, 2]), [1, 2]],
    [{ error: new TypeError('no') }, { error: { name: 'TypeError', message: 'no' } }],
    [circular, { name: 'c', self: '(circular)' }],
    [
      { a: shared, b: [shared, shared] },
      { a: { x: 1 }, b: [{ x: 1 }, { x: 1 }] },
    ],
    [{ call: () => 0, sign: Symbol('s') }, {}],
  ])('are written as well as can be', (details, written) => {
    expect(detailsIn(reportJson(withDetails(details)))).toEqual(written);
  });

  test('never cost the report', () => {
    const hostile = {
      toJSON: () => {
        throw new Error('no');
      },
    };
    expect(detailsIn(reportJson(withDetails(hostile)))).toBe('(could not be turned into JSON)');
  });
});

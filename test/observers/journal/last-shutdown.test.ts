/** What is left of a shutdown, however it ended: each in a process of its own. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLastShutdown, type LastShutdown } from '../../../lib/observers/last-shutdown.js';
import type { CutOffShutdown } from '../../../lib/observers/journal/read-journal.js';
import { Child } from '../../support/child.js';
import { makeFolder } from '../../support/folder.js';
import { writeSafetensors } from '../../support/safetensors.js';

const MODEL_BYTES = 3 * 4096;
let model = '';

beforeAll(async () => {
  model = join(makeFolder(), 'model.safetensors');
  await writeSafetensors(
    model,
    ['a', 'b', 'c'].map((name) => ({ name, dtype: 'U8', shape: [4096] })),
  );
});

async function stopped(folder: string, hangs: string): Promise<Child> {
  const child = new Child('journalled.mjs', {
    args: [folder, model, hangs],
    env: { CUDA_SHUTDOWN_BACKEND: 'simulated' },
  });
  await child.saw('ready');
  child.signal('SIGTERM');
  return child;
}

function cutOff(last: LastShutdown | undefined): CutOffShutdown {
  if (last?.complete !== false) throw new Error(`Not cut off: ${JSON.stringify(last)}`);
  return last.journal;
}

describe('after SIGKILL', () => {
  test.each([
    [
      'http',
      2 * MODEL_BYTES,
      { http: 'running', db: 'pending', models: 'pending', logs: 'pending' },
    ],
    ['db', 2 * MODEL_BYTES, { http: 'ok', db: 'running', models: 'pending', logs: 'pending' }],
    ['logs', 0, { http: 'ok', db: 'ok', models: 'ok', logs: 'running' }],
  ])('in the step %s the journal tells it, its time and the memory', async (step, bytes, known) => {
    const folder = makeFolder();
    const child = await stopped(folder, step);
    await child.saw(`${step} running`);
    child.signal('SIGKILL');
    expect(await child.end).toMatchObject({ signal: 'SIGKILL' });

    const journal = cutOff(await readLastShutdown(folder));
    expect(journal).toMatchObject({
      pid: child.process.pid,
      reason: 'SIGTERM',
      timeoutMs: 15_000,
      backend: 'simulated',
      held: [{ device: 0, bytes }],
    });
    expect(new Date(journal.startedAt).toISOString()).toBe(journal.startedAt);
    expect(Object.fromEntries(journal.steps.map(({ name, status }) => [name, status]))).toEqual(
      known,
    );
    const running = journal.steps.find(({ status }) => status === 'running');
    expect(running?.startMs).toBeGreaterThanOrEqual(0);
    expect(journal.lastAtMs).toBeGreaterThanOrEqual(Math.floor(running?.startMs ?? Infinity));
    expect(journal.watchdog).toBeUndefined();
  });

  test('in the middle of unloading it tells what was still held', async () => {
    const folder = makeFolder();
    const child = await stopped(folder, 'models');
    await child.saw('second waits for 1 lease');
    const journalled = async (): Promise<CutOffShutdown> => cutOff(await readLastShutdown(folder));
    // The journal has the progress a moment after the step has told it.
    while ((await journalled()).held[0]?.bytes !== MODEL_BYTES) await child.alive();
    child.signal('SIGKILL');
    await child.end;
    const { steps, held } = await journalled();
    expect(held).toEqual([{ device: 0, bytes: MODEL_BYTES }]);
    expect(steps.find(({ name }) => name === 'models')).toMatchObject({
      status: 'running',
      progress: { total: 2, text: expect.stringContaining('12.0 of 24.0 KiB freed') },
    });
  });

  test('half a last line is passed over', async () => {
    const folder = makeFolder();
    const child = await stopped(folder, 'db');
    await child.saw('db running');
    child.signal('SIGKILL');
    await child.end;
    const before = cutOff(await readLastShutdown(folder));
    const [name = ''] = readdirSync(folder);
    writeFileSync(join(folder, name), '{"event":"step","name":"db","stat', { flag: 'a' });
    expect(cutOff(await readLastShutdown(folder))).toEqual(before);
  });
});

describe('the watchdog', () => {
  const ended = async (blocks: string): Promise<CutOffShutdown> => {
    // Where nothing was ever written.
    const folder = join(makeFolder(), 'reports', 'of a service');
    const child = new Child('watched-journal.mjs', { args: [folder, blocks] });
    await child.saw(blocks === 'everything' ? 'blocked' : 'ready');
    child.signal('SIGTERM');
    expect(await child.end).toMatchObject({ code: 124, signal: null });
    return cutOff(await readLastShutdown(folder));
  };

  test('closes the journal of a shutdown that it ends', async () => {
    const journal = await ended('a step');
    expect(journal.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'done ok',
      'sto"ps running',
    ]);
    expect(journal.watchdog).toEqual({
      atMs: expect.any(Number),
      exitCode: 124,
      what: 'the deadline of 500 ms passed',
      pending: 'sto"ps',
    });
    expect(journal.lastAtMs).toBeGreaterThanOrEqual(500);
  });

  test('writes one where JavaScript never came to it', async () => {
    const journal = await ended('everything');
    expect(journal).toMatchObject({
      reason: 'SIGTERM',
      steps: [],
      watchdog: { exitCode: 124, what: 'the deadline of 500 ms passed', pending: '' },
    });
    expect(Date.now() - Date.parse(journal.startedAt)).toBeLessThan(60_000);
  });

  test('that ends a hung exit says so beside the report', async () => {
    const folder = makeFolder();
    const child = new Child('exit-listener-hangs.mjs', { args: [folder] });
    await child.saw('ready');
    child.signal('SIGTERM');
    await child.end;
    expect(await readLastShutdown(folder)).toMatchObject({
      complete: true,
      report: { outcome: 'clean' },
      watchdog: { exitCode: 0, pending: '(exit)' },
    });
  });
});

test('a finished shutdown gives its report', async () => {
  const folder = makeFolder();
  const child = await stopped(folder, 'none');
  expect(await child.end).toMatchObject({ code: 0 });
  const last = await readLastShutdown(folder);
  expect(last).toMatchObject({ complete: true, report: { reason: 'SIGTERM', outcome: 'clean' } });
  expect(last).not.toHaveProperty('watchdog');
});

describe('readLastShutdown', () => {
  test('knows nothing of an empty or missing folder', async () => {
    const folder = makeFolder();
    expect(await readLastShutdown(folder)).toBeUndefined();
    expect(await readLastShutdown(join(folder, 'missing'))).toBeUndefined();
  });

  test('passes the errors of the file system on', async () => {
    const file = join(makeFolder(), 'file');
    writeFileSync(file, '');
    await expect(readLastShutdown(file)).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(readLastShutdown('')).rejects.toThrow(TypeError);
  });

  test('takes the newest, whatever is left of it', async () => {
    const folder = makeFolder();
    const old = '{"version":1,"reason":"old","steps":[]}';
    writeFileSync(join(folder, '2026-01-02T030405.678Z-9.report.json'), old);
    writeFileSync(join(folder, 'zzz.report.json'), 'not ours');
    expect(await readLastShutdown(folder)).toMatchObject({ report: { reason: 'old' } });
    writeFileSync(join(folder, '2026-01-02T030406.678Z-7.journal.jsonl'), '');
    expect(await readLastShutdown(folder)).toEqual({
      complete: false,
      journal: {
        pid: 7,
        startedAt: '2026-01-02T03:04:06.678Z',
        lastAtMs: 0,
        steps: [],
        held: [],
        devices: [],
        errors: [],
      },
    });
  });

  test('takes the journal where the report is damaged', async () => {
    const folder = makeFolder();
    const stem = join(folder, '2026-01-02T030405.678Z-9');
    writeFileSync(`${stem}.report.json`, '{"version":1,');
    writeFileSync(
      `${stem}.journal.jsonl`,
      '{"event":"begin","version":1,"pid":9,"reason":"SIGINT","startedAt":"2026-01-02T03:04:05.678Z"}\n',
    );
    expect(cutOff(await readLastShutdown(folder)).reason).toBe('SIGINT');
  });
});

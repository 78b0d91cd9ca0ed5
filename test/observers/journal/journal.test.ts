import { describe, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { journal } from '../../../lib/observers/journal/journal-observer.js';
import { readLastShutdown } from '../../../lib/observers/last-shutdown.js';
import type { Shutdown } from '../../../lib/shutdown/shutdown.js';
import { KEPT_SHUTDOWNS, stemOf } from '../../../lib/observers/evidence-files.js';
import { runChild } from '../../support/child.js';
import { makeFolder } from '../../support/folder.js';
import { fakeHost, fakeShutdown } from '../../support/shutdown.js';

const linesIn = (folder: string): Record<string, unknown>[] => {
  const [name = ''] = readdirSync(folder).filter((one) => one.endsWith('.journal.jsonl'));
  const text = readFileSync(join(folder, name), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};

function journalled(shutdown: Shutdown, folder: string): { shutdown: Shutdown; problems: Error[] } {
  const problems: Error[] = [];
  shutdown.on('problem', ({ error }) => problems.push(error));
  journal(shutdown, { folder, opened: () => undefined });
  return { shutdown, problems };
}

describe('the journal', () => {
  test('has every event as a line, with what is held', async () => {
    const folder = join(makeFolder(), 'made');
    const memory = { free: 1, total: 9, allocated: 8, reserved: 8 };
    const host = fakeHost({
      backend: () => 'simulated',
      heldMemory: () => [{ device: 0, bytes: 8 }],
      measureDevices: () => Promise.resolve([{ index: 0, name: 'GPU', memory }]),
    });
    const { shutdown } = journalled(
      fakeShutdown({ host })
        .add('a', ({ progress }) => {
          progress(1, 2, 'half');
          return { rows: 3n };
        })
        .add('b', () => Promise.reject(new TypeError('broken')), { after: ['a'] }),
      folder,
    );
    const report = await shutdown.start('deploy');
    const held = [{ device: 0, bytes: 8 }];
    const lines = linesIn(folder);
    expect(lines[0]).toEqual({
      event: 'begin',
      version: 1,
      pid: process.pid,
      reason: 'deploy',
      startedAt: report.startedAt,
      timeoutMs: 5000,
      backend: 'simulated',
      steps: ['a', 'b'].map((name) => ({ name, phase: 'service', optional: false })),
      held,
    });
    expect(lines.filter(({ event }) => event !== 'memory').slice(1)).toMatchObject([
      { event: 'step', name: 'a', status: 'running', held },
      { event: 'progress', name: 'a', done: 1, total: 2, text: 'half', held },
      { event: 'step', name: 'a', status: 'ok', details: { rows: '3' }, held },
      { event: 'step', name: 'b', status: 'running' },
      {
        event: 'step',
        name: 'b',
        status: 'failed',
        error: { name: 'TypeError', message: 'broken' },
      },
      { event: 'end', outcome: 'degraded', exitCode: 1 },
    ]);
    expect(lines.filter(({ event }) => event === 'memory')).toMatchObject([
      { when: 'before', devices: [{ index: 0, name: 'GPU', memory }] },
      { when: 'after', devices: [{ index: 0, name: 'GPU', memory }] },
    ]);
    expect(await readLastShutdown(folder)).toMatchObject({
      journal: {
        end: { outcome: 'degraded', exitCode: 1 },
        devices: [{ index: 0, name: 'GPU', before: memory, after: memory }],
        errors: [{ step: 'b', message: 'broken' }],
        held,
      },
    });
  });

  test('has progress in moderation, and always the last', async () => {
    const folder = makeFolder();
    const { shutdown } = journalled(
      fakeShutdown().add('a', ({ progress }) => {
        for (let done = 1; done <= 5000; done += 1) progress(done, 5000);
      }),
      folder,
    );
    await shutdown.start();
    const progress = linesIn(folder).filter(({ event }) => event === 'progress');
    expect(progress[0]).toMatchObject({ done: 1 });
    expect(progress.at(-1)).toMatchObject({ done: 5000 });
    expect(progress.length).toBeLessThan(1000);
  });

  test('that cannot be made is told once, and costs nothing else', async () => {
    const file = join(makeFolder(), 'file');
    writeFileSync(file, '');
    const { shutdown, problems } = journalled(
      fakeShutdown().add('a', ({ progress }) => {
        progress(1);
      }),
      file,
    );
    expect(await shutdown.start()).toMatchObject({ outcome: 'clean', exitCode: 0 });
    expect(problems).toMatchObject([
      { message: `The journal could not be written to \`${file}\``, cause: { code: 'EEXIST' } },
    ]);
  });

  // Files that may not grow beyond 0 and 1 KiB: the first line already, and one of the later fails.
  test.each([0, 1])('on a disk that is full after %i KiB is told once', async (limit) => {
    const folder = makeFolder();
    const end = await runChild('every-step-ok.mjs', {
      args: [folder],
      under: (command) => ['bash', '-c', `ulimit -f ${limit}; exec "$@"`, 'bash', ...command],
    });
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.stderr.split('✗ (observer): Error: The journal could not')).toHaveLength(2);
    const last = await readLastShutdown(folder);
    const reason = last?.complete === true ? last.report.reason : last?.journal.reason;
    expect(reason).toBe(limit === 0 ? undefined : 'deploy');
  });

  test('of old shutdowns is removed with their reports, and nothing else is', async () => {
    const folder = makeFolder();
    const stems = Array.from({ length: KEPT_SHUTDOWNS + 5 }, (_, index) =>
      stemOf(new Date(index * 1000).toISOString(), 1),
    );
    for (const stem of stems) {
      writeFileSync(join(folder, `${stem}.report.json`), '');
      writeFileSync(join(folder, `${stem}.journal.jsonl`), '');
    }
    writeFileSync(join(folder, `${stems[0] ?? ''}.report.json.tmp`), '');
    writeFileSync(join(folder, 'notes.txt'), '');
    mkdirSync(join(folder, '0000'));
    const { shutdown, problems } = journalled(fakeShutdown(), folder);
    const { startedAt } = await shutdown.start();
    // The removal is not waited for; the next shutdown of this folder sees it done.
    const kept = [...stems.slice(-(KEPT_SHUTDOWNS - 1))];
    while (readdirSync(folder).length > 2 * kept.length + 3) await new Promise(setImmediate);
    expect(readdirSync(folder).sort()).toEqual(
      [
        ...kept.flatMap((stem) => [`${stem}.report.json`, `${stem}.journal.jsonl`]),
        `${stemOf(startedAt, process.pid)}.journal.jsonl`,
        '0000',
        'notes.txt',
      ].sort(),
    );
    expect(problems).toEqual([]);
  });
});

import { describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { metrics } from '../../../lib/observers/metrics/metrics.js';
import { makeFolder } from '../../support/folder.js';
import { deferred, fakeHost, fakeShutdown } from '../../support/shutdown.js';

const samples = async (registry: Registry): Promise<string[]> =>
  (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

const model = (name: string, status: string): object => ({
  name,
  status,
  freedBytes: 1,
  durationMs: 1,
});

describe('the metrics', () => {
  test('follow the shutdown of this process', async () => {
    let free = 100;
    const memory = (): object => ({ free, total: 1000, allocated: 0, reserved: 0 });
    const hung = deferred();
    const reached = deferred();
    const shutdown = fakeShutdown({
      host: fakeHost({
        backend: () => 'simulated',
        measureDevices: () =>
          Promise.resolve([{ index: 0, name: 'GPU', memory: memory() as never }]),
      }),
    })
      .add('models', () => {
        free = 900;
        return { models: [model('a', 'unloaded'), model('b', 'failed')] };
      })
      .add(
        'broken',
        async () => {
          reached.resolve();
          await hung.promise;
          throw new Error('broken');
        },
        { after: ['models'] },
      );
    const registry = new Registry();
    await metrics(shutdown, registry);
    expect(await samples(registry)).toEqual(['cuda_shutdown_in_progress 0']);

    const ended = shutdown.start();
    await reached.promise;
    const running = await samples(registry);
    expect(running).toEqual(
      expect.arrayContaining([
        'cuda_shutdown_in_progress 1',
        'cuda_shutdown_models_unloaded{run="current"} 1',
        'cuda_shutdown_step_status{run="current",step="models",status="ok"} 1',
      ]),
    );
    hung.resolve();
    await ended;
    expect(await samples(registry)).toEqual(
      expect.arrayContaining([
        'cuda_shutdown_in_progress 0',
        'cuda_shutdown_outcome{run="current",outcome="degraded"} 1',
        'cuda_shutdown_exit_code{run="current"} 1',
        'cuda_shutdown_step_status{run="current",step="broken",status="failed"} 1',
        'cuda_shutdown_models_failed{run="current"} 1',
        'cuda_shutdown_freed_bytes{run="current",device="0"} 800',
        'cuda_shutdown_watchdog_firings{run="current"} 0',
        expect.stringMatching(
          /^cuda_shutdown_step_duration_seconds\{run="current",step="models"\} [\d.e-]+$/,
        ),
      ]),
    );
  });

  test('expose what the last shutdown left', async () => {
    const folder = makeFolder();
    const report = {
      version: 1,
      startedAt: '2026-01-02T03:04:05.678Z',
      durationMs: 1500,
      outcome: 'degraded',
      exitCode: 1,
      steps: [{ name: 'models', status: 'timed-out', startMs: 0, durationMs: 1200 }],
      models: [model('a', 'failed')],
      devices: [{ index: 1, name: 'GPU', before: { free: 5 }, after: { free: 9 } }],
    };
    writeFileSync(join(folder, '2026-01-02T030405.678Z-9.report.json'), JSON.stringify(report));
    const registry = new Registry();
    await metrics(fakeShutdown({ reportFolder: folder }), registry);
    expect(await samples(registry)).toEqual([
      'cuda_shutdown_in_progress 0',
      'cuda_shutdown_start_timestamp_seconds{run="last"} 1767323045.678',
      'cuda_shutdown_duration_seconds{run="last"} 1.5',
      'cuda_shutdown_outcome{run="last",outcome="degraded"} 1',
      'cuda_shutdown_exit_code{run="last"} 1',
      'cuda_shutdown_step_duration_seconds{run="last",step="models"} 1.2',
      'cuda_shutdown_step_status{run="last",step="models",status="timed-out"} 1',
      'cuda_shutdown_models_unloaded{run="last"} 0',
      'cuda_shutdown_models_failed{run="last"} 1',
      'cuda_shutdown_freed_bytes{run="last",device="1"} 4',
      'cuda_shutdown_watchdog_firings{run="last"} 0',
    ]);
  });

  test('expose a shutdown that the watchdog ended', async () => {
    const folder = makeFolder();
    const lines = [
      { event: 'begin', reason: 'SIGTERM', steps: [{ name: 'a' }, { name: 'b' }] },
      { event: 'step', atMs: 5, name: 'a', status: 'running', startMs: 5 },
      { event: 'watchdog', atMs: 505, exitCode: 124, what: 'the deadline', pending: 'a' },
    ];
    writeFileSync(
      join(folder, '2026-01-02T030405.678Z-9.journal.jsonl'),
      lines.map((line) => JSON.stringify(line)).join('\n'),
    );
    const registry = new Registry();
    await metrics(fakeShutdown({ reportFolder: folder }), registry);
    const shown = await samples(registry);
    expect(shown).toEqual(
      expect.arrayContaining([
        'cuda_shutdown_outcome{run="last",outcome="cut-off"} 1',
        'cuda_shutdown_exit_code{run="last"} 124',
        'cuda_shutdown_step_duration_seconds{run="last",step="a"} 0.5',
        'cuda_shutdown_step_status{run="last",step="a",status="cut-off"} 1',
        'cuda_shutdown_watchdog_firings{run="last"} 1',
      ]),
    );
    expect(shown.join('\n')).not.toContain('step="b"');
  });

  test('are registered once, with a registry', async () => {
    const registry = new Registry();
    await metrics(fakeShutdown(), registry);
    await expect(metrics(fakeShutdown(), registry)).rejects.toThrow('already been registered');
    await expect(metrics(fakeShutdown(), {} as never)).rejects.toThrow(
      'Expected the registry to be a Registry of prom-client, got `Object` (object)',
    );
  });

  test('tell when the last report cannot be read', async () => {
    const file = join(makeFolder(), 'file');
    writeFileSync(file, '');
    await expect(
      metrics(fakeShutdown({ reportFolder: file }), new Registry()),
    ).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

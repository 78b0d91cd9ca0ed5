import { describe, expect, test } from '@jest/globals';
import { logObserver } from '../../lib/observers/log/log-observer.js';
import { winstonLogger } from '../../lib/observers/log/winston.js';
import type { Logger } from '../../lib/shutdown/logger.js';
import { fakeHost, fakeShutdown } from '../support/shutdown.js';

type Entry = [level: string, message: string, facts: Record<string, unknown>];

function memoryLogger(): Logger & { entries: Entry[]; writableEnded: boolean } {
  const entries: Entry[] = [];
  const at = (level: string) => (message: string, facts?: object) => {
    entries.push([level, message, { ...facts }]);
  };
  return { entries, writableEnded: false, info: at('info'), warn: at('warn'), error: at('error') };
}

const said = ({ entries }: { entries: Entry[] }): string[] =>
  entries.map(([level, message]) => `${level} ${message}`);

describe('the log', () => {
  test('has an entry for the beginning, every step and the end', async () => {
    const logger = memoryLogger();
    const shutdown = fakeShutdown()
      .add('http', () => ({ drained: 3 }))
      .add('cache', () => Promise.reject(new Error('gone')), { optional: true, after: ['http'] })
      .add('db', () => Promise.reject(new TypeError('no pool')), { after: ['cache'] });
    logObserver(shutdown, logger);
    await shutdown.start('SIGTERM');
    expect(said(logger)).toEqual([
      'info Shutdown began',
      'info Shutdown step http: ok',
      'warn Shutdown step cache: failed',
      'error Shutdown step db: failed',
      'error Shutdown summary',
    ]);
    const [began, http, , db, summary] = logger.entries.map(([, , facts]) => facts);
    expect(began).toEqual({
      reason: 'SIGTERM',
      timeoutMs: 5000,
      backend: 'none',
      steps: ['http', 'cache', 'db'],
    });
    expect(http).toEqual({
      step: 'http',
      status: 'ok',
      durationMs: expect.any(Number),
      details: { drained: 3 },
    });
    expect(db).toMatchObject({
      step: 'db',
      status: 'failed',
      error: { name: 'TypeError', message: 'no pool', stack: expect.any(String) },
    });
    expect(summary).toMatchObject({
      reason: 'SIGTERM',
      outcome: 'degraded',
      exitCode: 1,
      steps: { ok: 1, failed: 2, 'timed-out': 0, skipped: 0 },
    });
  });

  test('is summarised before the phase that ends it, and untouched after that', async () => {
    const logger = memoryLogger();
    const shutdown = fakeShutdown()
      .add('a', () => 0)
      .add('logs', () => (logger.writableEnded = true), { phase: 'logs' });
    logObserver(shutdown, logger);
    await shutdown.start();
    expect(said(logger)).toEqual([
      'info Shutdown began',
      'info Shutdown step a: ok',
      'info Shutdown summary',
    ]);
  });

  test('says loudly that the backend is simulated', async () => {
    const logger = memoryLogger();
    const shutdown = fakeShutdown({ host: fakeHost({ backend: () => 'simulated' }) });
    logObserver(shutdown, logger);
    await shutdown.start();
    expect(said(logger)).toContain(
      'warn The CUDA backend is simulated: no GPU memory is held or freed',
    );
  });

  test('survives a logger that throws', async () => {
    const broken = (): never => {
      throw new Error('broken');
    };
    const shutdown = fakeShutdown().add('a', () => 0);
    logObserver(shutdown, { info: broken, warn: broken, error: broken });
    expect((await shutdown.start()).errors).toEqual([]);
  });

  test('gives pino the object first', async () => {
    const entries: unknown[][] = [];
    const note = (...args: unknown[]): unknown => entries.push(args);
    const pino = { info: note, warn: note, error: note, bindings: () => ({}), setBindings: note };
    const shutdown = fakeShutdown();
    logObserver(shutdown, pino);
    await shutdown.start('SIGTERM');
    expect(entries).toMatchObject([
      [{ reason: 'SIGTERM' }, 'Shutdown began'],
      [{ outcome: 'clean' }, 'Shutdown summary'],
    ]);
  });

  test('goes to winston, and stops when winston has ended', async () => {
    const logger = await winstonLogger({ console: false, file: '/dev/null' });
    const lines: unknown[] = [];
    logger.on('data', (entry: unknown) => lines.push(entry));
    const shutdown = fakeShutdown()
      .add('a', () => Promise.reject(new Error('broken')))
      .add('logs', () => logger.end(), { phase: 'logs' });
    logObserver(shutdown, logger);
    await shutdown.start();
    expect(lines).toMatchObject([
      { level: 'info', message: 'Shutdown began', timestamp: expect.any(String) },
      { level: 'error', step: 'a', error: { message: 'broken', stack: expect.any(String) } },
      { level: 'error', message: 'Shutdown summary' },
    ]);
  });
});

test('winstonLogger refuses what it does not know', async () => {
  await expect(winstonLogger({ colour: true } as never)).rejects.toThrow(
    'Expected the option name to be one of level, file, console, got `colour` (string)',
  );
  await expect(winstonLogger({ file: '' })).rejects.toThrow(TypeError);
});

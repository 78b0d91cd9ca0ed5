import { describe, expect, test } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import {
  consoleObserver,
  type ConsoleOptions,
} from '../../../lib/observers/console/console-observer.js';
import type { Terminal } from '../../../lib/observers/console/spinner.js';
import { fakeHost, fakeShutdown } from '../../support/shutdown.js';

const memory = (free: number) => ({ free, total: 100 * 2 ** 20, allocated: 0, reserved: 0 });

/** A stream that says of itself what a terminal says. */
function terminal(shape: { isTTY?: boolean; columns?: number } = {}): {
  stream: Terminal;
  lines: () => string[];
} {
  const stream = new PassThrough();
  const text: string[] = [];
  stream.setEncoding('utf8').on('data', (chunk: string) => text.push(chunk));
  return {
    stream: Object.assign(stream, shape) as unknown as Terminal,
    lines: () => stripVTControlCharacters(text.join('')).trimEnd().split('\n'),
  };
}

async function shown(
  options: Partial<ConsoleOptions>,
  shape: { isTTY?: boolean; columns?: number } = {},
): Promise<string[]> {
  const { stream, lines } = terminal(shape);
  let free = 40 * 2 ** 20;
  const shutdown = fakeShutdown({
    host: fakeHost({
      backend: () => 'simulated',
      measureDevices: () => Promise.resolve([{ index: 0, name: 'GPU', memory: memory(free) }]),
    }),
  })
    .add('http', ({ progress }) => {
      progress(3, 3, '3 requests drained');
    })
    .add('cache', () => Promise.reject(new Error('gone')), { optional: true, after: ['http'] })
    .add(
      'db',
      () => {
        free *= 2;
        throw new AggregateError([
          new TypeError('no\npool', { cause: new Error('refused') }),
          new Error('no socket'),
        ]);
      },
      { after: ['cache'] },
    );
  consoleObserver(shutdown, { mode: 'auto', logger: undefined, terminal: stream, ...options });
  await shutdown.start('SIGTERM');
  await new Promise(setImmediate);
  return lines().map((line) =>
    line
      // Durations of steps stand at the right of their column.
      .replace(/ {2,}\d+ ms/u, (ms) => 'N ms'.padStart(ms.length))
      .replace(/\d+ ms/u, 'N ms'),
  );
}

const steps = [
  'Shutting down: SIGTERM (at most 5.0 s)',
  '! The CUDA backend is SIMULATED: no GPU memory is held or freed',
  '✓ http      N ms  3 requests drained',
  '! cache     N ms  failed',
  '    Error: gone',
  '✗ db        N ms  failed',
  '    TypeError: no pool (cause: refused)',
  '    Error: no socket',
];
const summary = [
  '✗ Shutdown (SIGTERM): degraded after N ms, exit code 1',
  '  Steps    ✓ http  ! cache (failed)  ✗ db (failed)',
  '  Errors   cache: Error: gone',
  '           db: TypeError: no pool (cause: refused)',
  '           db: Error: no socket',
  '  Memory   cuda:0 GPU: used 60.0 MiB → 20.0 MiB of 100.0 MiB',
  '  Held     nothing',
  '  Backend  simulated',
];
const whole = [...steps, ...summary];

describe('the console', () => {
  test('says everything in plain lines without a terminal', async () => {
    expect(await shown({})).toEqual(whole);
  });

  test('says it on a terminal of 0 columns as well', async () => {
    expect(await shown({}, { isTTY: true, columns: 0 })).toEqual([...steps, '', ...summary]);
  });

  test('breaks its lines at the width of the terminal, and loses nothing', async () => {
    const lines = await shown({}, { isTTY: true, columns: 30 });
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(30);
    expect(lines.join(' ').split(/ +/u)).toEqual(whole.join(' ').split(/ +/u));
  });

  test('is silent where it is off', async () => {
    expect(await shown({ mode: false })).toEqual(['']);
  });

  test('leaves the word to a logger without a terminal, unless it is on', async () => {
    expect(await shown({ logger: console })).toEqual(['']);
    expect(await shown({ logger: console, mode: true })).toEqual(whole);
  });

  test('tells what goes wrong after the end of the logger', async () => {
    const { stream, lines } = terminal();
    const logger = { ...console, writableEnded: true };
    const shutdown = fakeShutdown().on('end', () => Promise.reject(new Error('disk full')));
    consoleObserver(shutdown, { mode: 'auto', logger, terminal: stream });
    await shutdown.start();
    await new Promise(setImmediate);
    expect(lines()).toEqual(['✗ (observer): Error: disk full']);
  });

  test('survives a stream that throws', async () => {
    const broken = {
      write: () => {
        throw new Error('EPIPE');
      },
    } as unknown as Terminal;
    const shutdown = fakeShutdown().add('a', () => 0);
    consoleObserver(shutdown, { mode: true, logger: undefined, terminal: broken });
    expect((await shutdown.start()).errors).toEqual([]);
  });
});

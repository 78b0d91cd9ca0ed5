import { describe, expect, test } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createShutdown } from '../../lib/create-shutdown.js';
import { Redactor } from '../../lib/shutdown/redact.js';
import { makeFolder } from '../support/folder.js';
import { fakeShutdown } from '../support/shutdown.js';

const SECRET = 'hunter2';
const redact = (text: string): string => text.replaceAll(SECRET, '***');

describe('with a redact hook', () => {
  test('nothing that leaves the shutdown holds the secret', async () => {
    const folder = makeFolder();
    const out: unknown[] = [];
    const write = (message: string, facts?: object): void => {
      out.push(message, facts);
    };
    const logger = { info: write, warn: write, error: write };
    const shutdown = createShutdown({
      exit: false,
      watchdog: false,
      console: false,
      report: folder,
      logger,
      redact,
    })
      .add('talks', ({ logger: log, progress, reason }) => {
        log.info(`password ${SECRET}`, { deep: [{ password: SECRET, n: 1n }] });
        log.warn(SECRET);
        progress(1, 2, `with ${SECRET}`);
        return { models: [], url: new Map([['u', `postgres://u:${SECRET}@db`]]), reason };
      })
      .add('fails', () => {
        const inner = Object.assign(new TypeError(SECRET, { cause: SECRET }), { code: 'E_NO' });
        throw Object.assign(new AggregateError([inner, SECRET], SECRET, { cause: inner }), {
          details: { was: SECRET },
        });
      });
    for (const event of ['begin', 'step', 'progress', 'problem', 'end'] as const) {
      shutdown.on(event, (payload) => out.push(payload));
    }
    shutdown.on('begin', () => {
      throw new Error(`listener ${SECRET}`);
    });
    const report = await shutdown.start(`because of ${SECRET}`);
    out.push(report, shutdown.signal.reason);
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    const shown = JSON.stringify([out, files], (_, value: unknown) =>
      value instanceof Error
        ? {
            text: `${value.name} ${value.message} ${value.stack}`,
            cause: value.cause,
            own: Object.entries(value),
          }
        : value,
    );
    expect(shown).not.toContain(SECRET);
    expect(files).toHaveLength(2);
    expect(report.reason).toBe('because of ***');
    expect(report.steps[0]?.details).toEqual({
      models: [],
      url: { u: 'postgres://u:***@db' },
      reason: 'because of ***',
    });
    expect(report.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ step: 'fails', name: 'TypeError', code: 'E_NO', message: '***' }),
        expect.objectContaining({ step: '(observer)', message: 'listener ***' }),
      ]),
    );
  });

  test.each([
    [
      'threw an error',
      () => {
        throw new Error(SECRET);
      },
    ],
    ['answered with no string (number)', () => 3 as never],
  ])('that %s the texts are replaced, which is told once', async (how, broken) => {
    const told: unknown[] = [];
    const report = await fakeShutdown({ redact: broken })
      .add('a', () => Promise.reject(new Error(SECRET)))
      .add('b', () => ({ text: SECRET }))
      .on('problem', ({ where, error }) => told.push([where, error.message]))
      .start(SECRET);
    const message = `The \`redact\` hook ${how}: such texts are left out`;
    expect(told).toEqual([['(redact)', message]]);
    expect(report).toMatchObject({ reason: '(redaction failed)', outcome: 'degraded' });
    expect(report.steps[1]?.details).toEqual({ text: '(redaction failed)' });
    expect(report.errors).toMatchObject([
      { step: '(redact)', message },
      { step: 'a', message: '(redaction failed)' },
    ]);
    expect(JSON.stringify(report)).not.toContain(SECRET);
  });
});

describe('a redactor', () => {
  test('without a hook changes nothing', () => {
    const redactor = new Redactor(undefined, () => undefined);
    const error = new Error('a');
    const value = { a: 1 };
    expect(redactor.error(error)).toBe(error);
    expect(redactor.value(value)).toBe(value);
  });

  test('ends on errors in a circle, and survives hostile ones', () => {
    const redactor = new Redactor(redact, () => undefined);
    const circle = new Error(SECRET);
    circle.cause = circle;
    const copy = redactor.error(circle);
    expect(copy.cause).toBe(copy);
    const hostile = Object.defineProperty(new Error(SECRET), 'message', {
      get: () => {
        throw new Error(SECRET);
      },
    });
    expect(redactor.error(hostile).message).toBe('(redaction failed)');
  });
});

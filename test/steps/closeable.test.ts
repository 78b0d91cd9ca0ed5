import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { closeable, type Closeable } from '../../lib/steps/closeable.js';
import type { ReportedStep } from '../../lib/shutdown/report.js';
import { fakeShutdown } from '../support/shutdown.js';

async function closed(target: Closeable, timeoutMs = 2000): Promise<ReportedStep | undefined> {
  const report = await fakeShutdown({ timeoutMs })
    .add(closeable('it', target, { phase: 'device' }))
    .start();
  return report.steps[0];
}

describe('what can be closed', () => {
  const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

  test.each(['close', 'end', 'destroy', 'dispose', Symbol.asyncDispose, Symbol.dispose])(
    'is closed by %p, once, as a method',
    async (key) => {
      const calls: unknown[] = [];
      const target = {
        async [key]() {
          await later();
          calls.push(this);
        },
      };
      expect(await closed(target as never)).toMatchObject({ status: 'ok' });
      expect(calls).toEqual([target]);
    },
  );

  test('is closed in one way only', async () => {
    const calls: string[] = [];
    const target = {
      destroy: () => calls.push('destroy'),
      end: () => calls.push('end'),
      close: () => calls.push('close'),
    };
    await closed(target);
    expect(calls).toEqual(['close']);
  });

  test('may be a function', async () => {
    expect(await closed(() => later())).toMatchObject({ status: 'ok' });
    expect(await closed(() => Promise.reject(new Error('no')))).toMatchObject({ error: 'no' });
  });

  test('may answer by a callback', async () => {
    const withCallback = (error?: Error) => ({
      close: (callback: (error?: Error) => void) => {
        setTimeout(callback, 10, error);
      },
    });
    expect(await closed(withCallback())).toMatchObject({ status: 'ok' });
    expect(await closed(withCallback(new Error('no')))).toMatchObject({ error: 'no' });
  });

  test('may throw', async () => {
    const target = {
      close: (): never => {
        throw new Error('no');
      },
    };
    expect(await closed(target)).toMatchObject({ status: 'failed', error: 'no' });
  });

  test('may never answer', async () => {
    const kept: unknown[] = [];
    const target = {
      close: (callback: () => void) => {
        kept.push(callback);
      },
    };
    expect(await closed(target, 100)).toMatchObject({ status: 'timed-out' });
  });

  test('is a server of node:net, also one that does not listen any more', async () => {
    const server = createServer().listen(0);
    await once(server, 'listening');
    expect(await closed(server)).toMatchObject({ status: 'ok' });
    expect(server.listening).toBe(false);
    expect(await closed(server)).toMatchObject({ status: 'ok' });
  });

  test('is a writable stream, which is ended', async () => {
    const written: string[] = [];
    const stream = new Writable({
      write(chunk: Buffer, _, callback) {
        written.push(chunk.toString());
        setTimeout(callback, 10);
      },
    });
    stream.write('a');
    stream.write('b');
    expect(await closed(stream)).toMatchObject({ status: 'ok' });
    expect(written).toEqual(['a', 'b']);
    expect(stream.writableFinished).toBe(true);
  });

  test('is a stream that can only be destroyed', async () => {
    const stream = new PassThrough();
    const target = Object.assign(Object.create(stream) as PassThrough, { end: undefined });
    expect(await closed(target)).toMatchObject({ status: 'ok' });
    expect(stream.destroyed).toBe(true);
  });

  test.each([[{}], [null], [undefined], ['close'], [{ close: true }]])('is not %p', (target) => {
    expect(() => closeable('it', target as never)).toThrow(
      'Expected what is to be closed to be a function or to have one of close, end, destroy, dispose',
    );
  });

  test('takes the options of a step', () => {
    expect(closeable('it', () => 0, { optional: true, after: ['http'] })).toMatchObject({
      name: 'it',
      optional: true,
      after: ['http'],
    });
    expect(() => closeable('it', () => 0, { late: 1 } as never)).toThrow('got `late` (string)');
  });
});

import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { guardLogger } from '../../lib/shutdown/logger.js';
import { runStep, type StepOutcome } from '../../lib/shutdown/run-step.js';
import { resolveStep, type StepContext } from '../../lib/shutdown/step.js';

function run(
  body: (context: StepContext) => unknown,
  {
    limitMs = 5000,
    progress = () => undefined,
  }: Partial<Record<'limitMs', number>> & {
    progress?: StepContext['progress'];
  } = {},
): Promise<StepOutcome> {
  return runStep(resolveStep({ name: 'it', run: body }), performance.now() + limitMs, {
    startedAt: performance.now(),
    reason: 'SIGTERM',
    logger: guardLogger(undefined),
    progress,
  });
}

describe('a step', () => {
  test('that returns is ok, with what it returned', async () => {
    expect(await run(() => ({ freed: 3 }))).toEqual({ status: 'ok', details: { freed: 3 } });
    expect(await run(() => Promise.resolve(4))).toEqual({ status: 'ok', details: 4 });
    expect(await run(() => undefined)).toEqual({ status: 'ok', details: undefined });
  });

  test('that throws has failed, with the details of the error', async () => {
    const error = Object.assign(new Error('broken'), { details: { freed: 1 } });
    const failed = { status: 'failed', error, details: { freed: 1 } };
    const thrower = (): never => {
      throw error;
    };
    expect(await run(thrower)).toEqual(failed);
    expect(await run(() => Promise.reject(error))).toEqual(failed);
  });

  test.each([[undefined], ['text'], [Object.create(null)]])(
    'that throws what is no Error has failed all the same',
    async (thrown) => {
      const { status, error } = await run(() => {
        throw thrown;
      });
      expect(status).toBe('failed');
      expect(error?.message).toContain('Expected an Error to be thrown, got `');
    },
  );

  test('that never settles times out, and its signal aborts with the TimeoutError', async () => {
    let signal: AbortSignal | undefined;
    const outcome = await run(
      (context) => {
        ({ signal } = context);
        return new Promise(() => undefined);
      },
      { limitMs: 20 },
    );
    expect(outcome.status).toBe('timed-out');
    expect(outcome.error).toMatchObject({
      code: 'ERR_TIMEOUT',
      message: 'The step `it` did not end within 20 ms',
    });
    expect(signal?.reason).toBe(outcome.error);
  });

  test('whose time is over before it begins is skipped', async () => {
    let ran = false;
    const outcome = await run(() => (ran = true), { limitMs: 0 });
    expect(outcome).toMatchObject({ status: 'skipped', error: { code: 'ERR_TIMEOUT' } });
    expect(ran).toBe(false);
  });

  test('that answers the abort has its details in the report', async () => {
    const late = async ({ signal }: StepContext): Promise<object> => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      return { freed: 2 };
    };
    expect(await run(late, { limitMs: 10 })).toMatchObject({
      status: 'timed-out',
      details: { freed: 2 },
    });
  });

  test('that answers the abort with an error of its own is reported with both', async () => {
    const late = async ({ signal }: StepContext): Promise<never> => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      throw Object.assign(new Error('2 requests cut'), { details: { cut: 2 } });
    };
    const { error, details } = await run(late, { limitMs: 10 });
    expect((error as AggregateError).errors).toMatchObject([
      { code: 'ERR_TIMEOUT' },
      { message: '2 requests cut' },
    ]);
    expect(details).toEqual({ cut: 2 });
  });

  test('that passes the reason of its signal on is reported once', async () => {
    const { error } = await run(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('aborted', { cause: signal.reason }));
          });
        }),
      { limitMs: 10 },
    );
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  test('that rejects long after its end is nobody’s unhandled rejection', async () => {
    const outcome = await run(
      async () => {
        await sleep(100);
        throw new Error('late');
      },
      { limitMs: 10 },
    );
    expect(outcome.status).toBe('timed-out');
    await sleep(150);
  });

  test('says nothing of its progress after its end', async () => {
    const said: number[] = [];
    let speak: StepContext['progress'] | undefined;
    await run(
      (context) => {
        ({ progress: speak } = context);
        context.progress(1);
      },
      { progress: (done) => said.push(done) },
    );
    speak?.(2);
    expect(said).toEqual([1]);
  });

  test('knows how much time it has', async () => {
    const { details } = await run(({ remainingMs, deadline }) => ({
      remaining: remainingMs(),
      deadline: deadline - performance.now(),
    }));
    const { remaining, deadline } = details as { remaining: number; deadline: number };
    expect(remaining).toBeGreaterThan(4000);
    expect(remaining).toBeLessThanOrEqual(5000);
    expect(Math.abs(remaining - deadline)).toBeLessThan(100);
  });
});

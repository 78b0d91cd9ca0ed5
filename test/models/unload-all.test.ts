/** unloadAll: limits, aborts and failures, with unloadables that other libraries could bring. */

import { describe, expect, jest, test } from '@jest/globals';

import { AbortError, TimeoutError } from '../../lib/common/errors.js';
import { Model } from '../../lib/models/model.js';
import { ModelRegistry, type UnloadAllOptions } from '../../lib/models/registry.js';
import type { FailedUnload } from '../../lib/models/unload-all.js';
import type { Unloadable, UnloadContext } from '../../lib/models/unloadable.js';
import { FakeNativeModel } from '../support/native-model.js';
import { deferred } from '../support/shutdown.js';

const never = (): Promise<never> => new Promise(() => undefined);

function registryOf(...unloadables: readonly Unloadable[]): ModelRegistry {
  const registry = new ModelRegistry();
  for (const unloadable of unloadables) registry.add(unloadable);
  return registry;
}

async function onlyFailure(
  unload: (context: UnloadContext) => Promise<undefined>,
  options?: UnloadAllOptions,
): Promise<FailedUnload> {
  const { unloaded, failed } = await registryOf({ name: 'x', unload }).unloadAll(options);
  const [failure, ...others] = failed;
  if (failure === undefined || others.length + unloaded.length > 0) {
    throw new Error(`Expected one failure, got ${failed.length}`);
  }
  return failure;
}

/** How much later than its limit an unloadable may be left behind: 40 ms by design. */
const LATE_MS = 300;

describe('an unloadable that', () => {
  test('resolves with nothing counts as unloaded, with what it said it holds', async () => {
    const { unloaded, freedBytes } = await registryOf({
      name: 'x',
      bytes: 500,
      async unload() {
        await Promise.resolve();
      },
    }).unloadAll();
    expect(unloaded).toMatchObject([
      { name: 'x', status: 'unloaded', freedBytes: 500, memory: { verified: 'unverifiable' } },
    ]);
    expect(freedBytes).toBe(500);
  });

  test('rejects has failed with its own error', async () => {
    const error = new Error('no');
    expect(await onlyFailure(() => Promise.reject(error))).toMatchObject({ name: 'x', error });
  });

  test('throws has failed with its own error', async () => {
    const error = new Error('no');
    const unload = (): never => {
      throw error;
    };
    expect(await onlyFailure(unload)).toMatchObject({ name: 'x', error });
  });

  test('rejects with what is no Error has failed with one', async () => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    const { error } = await onlyFailure(() => Promise.reject('no'));
    expect(error).toBeInstanceOf(Error);
    expect(error.cause).toBe('no');
  });

  test('never settles and ignores its signal is left behind soon after its limit', async () => {
    const { error, durationMs, startedAt, ...balance } = await onlyFailure(never, {
      timeoutMs: 50,
    });
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toBe('Expected the unload of x to end within 50 ms, it did not');
    expect(durationMs).toBeGreaterThanOrEqual(50);
    expect(durationMs).toBeLessThan(50 + LATE_MS);
    expect(startedAt).toBeLessThanOrEqual(performance.now() - 50);
    expect(balance).toEqual({ name: 'x' });
  });

  test('rejects after it was left behind disturbs nobody', async () => {
    const late = deferred();
    const unload = (): Promise<never> => late.promise.then(() => Promise.reject(new Error('late')));
    const { error } = await onlyFailure(unload, { timeoutMs: 10 });
    late.resolve();
    // An unhandled rejection would fail the test here.
    await new Promise(setImmediate);
    expect(error).toBeInstanceOf(TimeoutError);
  });

  test.each<[string, (signal: AbortSignal) => Promise<never>]>([
    ["the signal's reason", (signal) => Promise.reject(signal.reason as Error)],
    ['an AbortError of its own', () => Promise.reject(new AbortError('mine'))],
  ])('obeys its signal with %s has timed out', async (_, end) => {
    const unload = ({ signal }: UnloadContext): Promise<never> =>
      new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          resolve();
        });
      }).then(() => end(signal));
    const { error } = await onlyFailure(unload, { timeoutMs: 20 });
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toBe('Expected the unload of x to end within 20 ms, it did not');
  });

  test('is given its limit', async () => {
    const limits: number[] = [];
    const unload = ({ timeoutMs }: UnloadContext): Promise<undefined> => {
      limits.push(timeoutMs);
      return Promise.resolve(undefined);
    };
    await registryOf({ name: 'x', unload }).unloadAll({ timeoutMs: 1234 });
    await registryOf({ name: 'x', unload }).unloadAll({ timeoutMs: Infinity });
    expect(limits).toEqual([1234, Infinity]);
  });

  test.each([2 ** 31, 1e12, Infinity])('may take longer than a timer: %d ms', async (ms) => {
    const unload = async ({ signal }: UnloadContext): Promise<undefined> => {
      await new Promise((resolve) => setTimeout(resolve, 80));
      signal.throwIfAborted();
      return undefined;
    };
    const { unloaded } = await registryOf({ name: 'x', unload }).unloadAll({
      timeoutMs: ms,
      totalMs: ms,
    });
    expect(unloaded).toHaveLength(1);
  });
});

describe('an abort', () => {
  test('ends what is under way and what has not begun; each with the reason of the signal', async () => {
    const controller = new AbortController();
    const begun: string[] = [];
    const hung = (name: string): Unloadable => ({
      name,
      unload: () => {
        begun.push(name);
        return never();
      },
    });
    const unloading = registryOf(hung('a'), hung('b')).unloadAll({
      signal: controller.signal,
      concurrency: 1,
    });
    const reason = new Error('enough');
    controller.abort(reason);
    const { failed, durationMs } = await unloading;
    expect(begun).toEqual(['a']);
    expect(failed).toMatchObject([
      { name: 'a', error: { code: 'ABORT_ERR', cause: reason } },
      { name: 'b', error: { code: 'ABORT_ERR', cause: reason } },
    ]);
    expect(durationMs).toBeLessThan(LATE_MS);
  });

  test('reaches an unloadable as the reason of its own signal', async () => {
    const controller = new AbortController();
    const seen = deferred<unknown>();
    const unload = ({ signal }: UnloadContext): Promise<never> => {
      signal.addEventListener('abort', () => {
        seen.resolve(signal.reason);
      });
      return never();
    };
    const unloading = registryOf({ name: 'x', unload }).unloadAll({ signal: controller.signal });
    controller.abort('enough');
    expect(await seen.promise).toBe('enough');
    await unloading;
  });

  test('keeps the balance that a model tells', async () => {
    const native = new FakeNativeModel();
    const controller = new AbortController();
    const registry = new ModelRegistry().add(new Model('m', new Map(), native));
    const unloading = registry.unloadAll({ signal: controller.signal });
    native.latest.frees(30);
    controller.abort('enough');
    native.latest.settles('interrupted');
    const { failed, freedBytes } = await unloading;
    expect(failed).toMatchObject([
      { error: { code: 'ABORT_ERR', cause: 'enough' }, freedBytes: 30, remainingBytes: 70 },
    ]);
    expect(failed[0]?.error).toBeInstanceOf(AbortError);
    expect(freedBytes).toBe(30);
  });

  test('before the beginning begins nothing', async () => {
    let begun = 0;
    const unload = (): Promise<void> => {
      begun += 1;
      return Promise.resolve();
    };
    const registry = registryOf({ name: 'x', unload });
    const { failed } = await registry.unloadAll({ signal: AbortSignal.abort('early') });
    expect(begun).toBe(0);
    expect(failed).toMatchObject([{ error: { code: 'ABORT_ERR', cause: 'early' } }]);
  });
});

test('a timeout keeps the balance that a model tells', async () => {
  const native = new FakeNativeModel();
  const registry = new ModelRegistry().add(new Model('m', new Map(), native));
  const unloading = registry.unloadAll({ timeoutMs: 30 });
  native.latest.frees(30);
  while (!native.latest.cancelled) await new Promise(setImmediate);
  native.latest.settles('interrupted');
  const { failed } = await unloading;
  expect(failed).toMatchObject([
    { error: { code: 'ERR_TIMEOUT' }, freedBytes: 30, remainingBytes: 70 },
  ]);
});

test('says of each as it ends how it ended', async () => {
  const ends: string[] = [];
  const registry = registryOf(
    { name: 'small', bytes: 1, unload: () => Promise.reject(new Error('no')) },
    { name: 'large', bytes: 2, unload: () => Promise.resolve() },
  );
  expect(registry.bytes).toBe(3);
  await registry.unloadAll({
    concurrency: 1,
    onUnload: ({ name, freedBytes }) => ends.push(`${name}: ${freedBytes}`),
    onError: ({ name, error }) => ends.push(`${name}: ${error.message}`),
  });
  expect(ends).toEqual(['large: 2', 'small: no']);
});

test('a progress listener that throws becomes a warning, and disturbs nobody', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
  const unload = ({ onProgress }: UnloadContext): Promise<void> => {
    onProgress({ phase: 'releasing', freedBytes: 1, totalBytes: 2, leases: 0 });
    return Promise.resolve();
  };
  const { unloaded } = await registryOf({ name: 'x', unload }).unloadAll({
    onProgress: (name) => {
      throw new Error(`a listener of ${name}`);
    },
  });
  expect(unloaded).toHaveLength(1);
  expect(warn.mock.calls).toEqual([[expect.stringContaining('a listener of x')]]);
  warn.mockRestore();
});

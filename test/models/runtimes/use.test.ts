/** Work that holds a lease, and how long an unload leaves it to finish. */

import { expect, test } from '@jest/globals';

import { deferred } from '../../../lib/common/deferred.js';
import { AbortError, ModelStateError } from '../../../lib/common/errors.js';
import { disposable } from '../../../lib/runtimes/disposable.js';
import type { RuntimeModel } from '../../../lib/runtimes/runtime-model.js';
import { errorOf, standing } from '../../support/settled.js';

function make(abortAfterMs?: number): { model: RuntimeModel; disposed: () => boolean } {
  let disposed = false;
  const model = disposable({ dispose: () => (disposed = true) }, { name: 'm', abortAfterMs });
  return { model, disposed: () => disposed };
}

/** Work that goes on until its signal aborts. */
function generation(model: RuntimeModel): Promise<unknown> {
  return model.use(
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      }),
  );
}

test('its value and its error are the caller’s, and the lease ends with it', async () => {
  const { model } = make();
  expect(await model.use(() => 1)).toBe(1);
  expect(await model.use(() => Promise.resolve('two'))).toBe('two');
  const thrown = new Error('of the work');
  expect(
    await errorOf(
      model.use(() => {
        throw thrown;
      }),
    ),
  ).toBe(thrown);
  expect(await errorOf(model.use(() => Promise.reject(thrown)))).toBe(thrown);
  expect(await model.unload()).toMatchObject({ drainedLeases: 0 });
});

test('is refused, and not begun, unless the model is loaded', async () => {
  const { model } = make();
  await model.unload();
  let begun = false;
  const error = await errorOf(model.use(() => (begun = true)));
  expect(error).toBeInstanceOf(ModelStateError);
  expect(error).toMatchObject({ state: 'unloaded' });
  expect(begun).toBe(false);
});

test('is left to finish, and what runs behind its end comes before the disposal', async () => {
  const { model, disposed } = make();
  const work = deferred<string>();
  const seen: boolean[] = [];
  const using = model.use(() => work.promise).then(() => seen.push(disposed()));
  const unloading = model.unload();
  expect(await standing(unloading)).toBe('pending');
  work.resolve('done');
  await using;
  expect(await unloading).toMatchObject({ status: 'unloaded', drainedLeases: 1 });
  expect(seen).toEqual([false]);
});

test('is aborted at once with `abortAfterMs: 0`', async () => {
  const { model, disposed } = make(0);
  const works = [generation(model), generation(model)];
  const errors = Promise.all(works.map((work) => errorOf(work)));
  const unloading = model.unload({ timeoutMs: Infinity });
  for (const error of await errors) {
    expect(error).toBeInstanceOf(AbortError);
    expect(error.message).toBe('The model m is being unloaded');
    expect(disposed()).toBe(false);
  }
  expect(await unloading).toMatchObject({ status: 'unloaded', drainedLeases: 2 });
});

test.each([
  { timeoutMs: 800 },
  { timeoutMs: 60_000, drainMs: 800 },
  { timeoutMs: 800, drainMs: 60_000 },
])('is aborted by default in time for an unload of %j', async (limits) => {
  const { model } = make();
  const error = errorOf(generation(model));
  expect(await model.unload(limits)).toMatchObject({ status: 'unloaded' });
  expect(await error).toBeInstanceOf(AbortError);
});

test('is aborted after `abortAfterMs`, not before', async () => {
  const { model } = make(30);
  const startedAt = performance.now();
  const error = errorOf(generation(model));
  await model.unload();
  await error;
  // Timers may be a millisecond early.
  expect(performance.now() - startedAt).toBeGreaterThan(28);
});

test('is never aborted with `abortAfterMs: Infinity`, nor where the unload has no limit', async () => {
  for (const [abortAfterMs, timeoutMs] of [
    [Infinity, 10],
    [undefined, Infinity],
  ] as const) {
    const { model } = make(abortAfterMs);
    const work = deferred<AbortSignal>();
    const { signal, using } = await new Promise<{ signal: AbortSignal; using: Promise<unknown> }>(
      (resolve) => {
        const running: Promise<unknown> = model.use((context) => {
          queueMicrotask(() => {
            resolve({ signal: context.signal, using: running });
          });
          return work.promise;
        });
      },
    );
    const controller = new AbortController();
    const unloading = errorOf(model.unload({ timeoutMs, signal: controller.signal }));
    if (timeoutMs === Infinity) controller.abort();
    await unloading;
    expect(signal.aborted).toBe(false);
    expect(model.state).toBe('loaded');
    work.resolve(signal);
    await using;
  }
});

test('goes on when the unload is called off before its signal aborts', async () => {
  const { model } = make(20);
  const controller = new AbortController();
  const work = deferred<string>();
  let signal: AbortSignal | undefined;
  const using = model.use((context) => {
    ({ signal } = context);
    return work.promise;
  });
  const unloading = errorOf(model.unload({ signal: controller.signal }));
  controller.abort();
  await unloading;
  await new Promise((resolve) => setTimeout(resolve, 40));
  expect(signal?.aborted).toBe(false);
  work.resolve('done');
  expect(await using).toBe('done');
});

test('that ignores its signal is waited for until the time is over', async () => {
  const { model, disposed } = make(0);
  const work = deferred<string>();
  const using = model.use(() => work.promise);
  expect(await errorOf(model.unload({ timeoutMs: 10 }))).toMatchObject({ code: 'ERR_TIMEOUT' });
  expect(disposed()).toBe(false);
  expect(model.state).toBe('loaded');
  work.resolve('done');
  await using;
});

test('work inside of work goes on while the model drains, and no longer than that', async () => {
  const { model, disposed } = make();
  const [first, second] = [deferred<string>(), deferred<string>()];
  let late: Promise<string> | undefined;
  const using = model.use(async ({ signal }) => {
    await first.promise;
    expect(model.state).toBe('draining');
    late = second.promise.then(() => model.use(() => 'late'));
    return model.use((inner) => Promise.resolve(inner.signal === signal));
  });
  const unloading = model.unload();
  first.resolve('');
  expect(await using).toBe(true);
  expect(disposed()).toBe(false);
  expect(await unloading).toMatchObject({ status: 'unloaded', drainedLeases: 1 });
  second.resolve('');
  expect(await errorOf(late ?? Promise.resolve())).toBeInstanceOf(ModelStateError);
});

test('work inside of work that goes on behind its end is waited for, too', async () => {
  const { model, disposed } = make();
  const inner = deferred<string>();
  let innerUse: Promise<string> | undefined;
  const failed = model.use(() => {
    innerUse = model.use(() => inner.promise);
    return Promise.all([innerUse, Promise.reject(new Error('of another part'))]);
  });
  expect(await errorOf(failed)).toMatchObject({ message: 'of another part' });
  expect(model.leases).toBe(1);
  const unloading = model.unload();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(disposed()).toBe(false);
  inner.resolve('done');
  expect(await innerUse).toBe('done');
  expect(await unloading).toMatchObject({ status: 'unloaded', drainedLeases: 1 });
});

test.each([true, false])(
  'that calls the unload off when it is aborted, and ends at once: %p, keeps the model',
  async (endsAtOnce) => {
    const { model, disposed } = make(0);
    const controller = new AbortController();
    const lease = model.acquire();
    const using = model.use(
      ({ signal }) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            if (endsAtOnce) lease.release();
            controller.abort();
            resolve();
          });
        }),
    );
    expect(await errorOf(model.unload({ signal: controller.signal }))).toBeInstanceOf(AbortError);
    await using;
    lease.release();
    await new Promise(setImmediate);
    expect(model.state).toBe('loaded');
    expect(disposed()).toBe(false);
    expect(await model.unload()).toMatchObject({ status: 'unloaded' });
  },
);

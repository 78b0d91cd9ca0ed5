/** unloadAll: models of one device begin while those before them are being freed, each in its turn. */

import { describe, expect, test } from '@jest/globals';

import { Model } from '../../lib/models/model.js';
import { ModelRegistry } from '../../lib/models/registry.js';
import type { Unloadable } from '../../lib/models/unloadable.js';
import { FakeNativeModel } from '../support/native-model.js';

interface Made {
  readonly native: FakeNativeModel;
  readonly model: Model;
}

function make(name: string, bytes: number, device = 0): Made {
  const native = new FakeNativeModel(bytes, device);
  return { native, model: new Model(name, new Map(), native) };
}

function registryOf(...unloadables: readonly (Unloadable | Model)[]): ModelRegistry {
  const registry = new ModelRegistry();
  for (const unloadable of unloadables) registry.add(unloadable);
  return registry;
}

const turn = (): Promise<void> => new Promise(setImmediate);
const isBegun = ({ native }: Made): boolean => native.releases.length > 0;

/** Waits for what a timer does. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('models of one device', () => {
  test('are with it together, the largest first, and end each on its own', async () => {
    const [small, large] = [make('small', 10), make('large', 20)];
    const unloading = registryOf(small.model, large.model).unloadAll();
    expect([large, small].map(isBegun)).toEqual([true, true]);
    large.native.latest.settles('failed');
    await turn();
    expect([large, small].map(({ model }) => model.state)).toEqual(['interrupted', 'releasing']);
    small.native.latest.settles('done');
    const { unloaded, failed } = await unloading;
    expect(unloaded.map(({ name }) => name)).toEqual(['small']);
    expect(failed.map(({ name }) => name)).toEqual(['large']);
  });

  test('tell the time of their turn, not that of the queue', async () => {
    const [first, second] = [make('first', 20), make('second', 10)];
    const unloading = registryOf(first.model, second.model).unloadAll();
    await new Promise((resolve) => setTimeout(resolve, 600));
    first.native.latest.settles('done');
    await turn();
    second.native.latest.settles('done');
    const times = (await unloading).unloaded.map(({ durationMs }) => durationMs);
    expect(times[0]).toBeGreaterThan(590);
    expect(times[1]).toBeLessThan(500);
  });

  test('are so many at most: the next begins when one has ended', async () => {
    const all = Array.from({ length: 40 }, (_, index) => make(`m${index}`, 100 - index));
    const unloading = registryOf(...all.map(({ model }) => model)).unloadAll({ concurrency: 1 });
    for (const [index, { native }] of all.entries()) {
      expect(all.map(isBegun)).toEqual(all.map((_, other) => other < index + 16));
      native.latest.settles('done');
      await turn();
    }
    expect((await unloading).unloaded).toHaveLength(40);
  });

  test('wait for one that drains, and begin when it is being freed', async () => {
    const [first, second] = [make('first', 20), make('second', 10)];
    const lease = first.model.acquire();
    const unloading = registryOf(first.model, second.model).unloadAll();
    await turn();
    expect(second.model.state).toBe('loaded');
    lease.release();
    expect([first, second].map(isBegun)).toEqual([true, true]);
    first.native.latest.settles('done');
    second.native.latest.settles('done');
    expect((await unloading).unloaded).toHaveLength(2);
  });

  test('go behind what depends on them, when that has ended', async () => {
    const [base, other, adapter] = [make('base', 30), make('other', 20), make('adapter', 10)];
    const registry = registryOf(base.model, other.model).add(adapter.model, {
      dependsOn: ['base'],
    });
    const unloading = registry.unloadAll();
    expect([base, other, adapter].map(isBegun)).toEqual([false, true, true]);
    other.native.latest.settles('done');
    await turn();
    expect(isBegun(base)).toBe(false);
    adapter.native.latest.settles('done');
    await turn();
    expect(isBegun(base)).toBe(true);
    base.native.latest.settles('done');
    expect((await unloading).unloaded).toHaveLength(3);
  });

  test('go beside no other thing of the device, nor past it', async () => {
    const [first, last] = [make('first', 30), make('last', 10)];
    const events: string[] = [];
    const other = {
      name: 'other',
      device: 0,
      bytes: 20,
      unload: async () => {
        events.push(`other, ${first.model.state}, ${last.model.state}`);
        await turn();
        events.push(`other ends, ${last.model.state}`);
      },
    };
    const unloading = registryOf(first.model, other, last.model).unloadAll();
    await turn();
    expect(events).toEqual([]);
    first.native.latest.settles('done');
    await until(() => isBegun(last));
    expect(events).toEqual(['other, unloaded, loaded', 'other ends, loaded']);
    last.native.latest.settles('done');
    expect((await unloading).unloaded).toHaveLength(3);
  });

  test('are unloaded as their owner wraps it, and then one by one', async () => {
    const [wrapped, plain] = [make('wrapped', 20), make('plain', 10)];
    let calls = 0;
    const unload = wrapped.model.unload.bind(wrapped.model);
    wrapped.model.unload = (options) => {
      calls += 1;
      return unload(options);
    };
    const unloading = registryOf(wrapped.model, plain.model).unloadAll();
    expect([calls, isBegun(plain)]).toEqual([1, false]);
    wrapped.native.latest.settles('done');
    await until(() => isBegun(plain));
    plain.native.latest.settles('done');
    expect((await unloading).unloaded).toHaveLength(2);
  });
});

test('the time of each begins when it is the first', async () => {
  const models = [make('hangs', 20), make('hangs too', 10)];
  const [hangs, next] = models as [Made, Made];
  const unloading = registryOf(hangs.model, next.model).unloadAll({ timeoutMs: 40 });
  await until(() => hangs.native.latest.cancelled);
  expect(next.native.latest.cancelled).toBe(false);
  // Longer than its limit, which has not begun.
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(next.native.latest.cancelled).toBe(false);
  hangs.native.latest.settles('stuck');
  await until(() => next.native.latest.cancelled);
  next.native.latest.settles('interrupted');
  const { failed } = await unloading;
  expect(failed).toMatchObject([
    { name: 'hangs', error: { code: 'ERR_TIMEOUT' }, freedBytes: 0, remainingBytes: 20 },
    { name: 'hangs too', error: { code: 'ERR_TIMEOUT' }, freedBytes: 0, remainingBytes: 10 },
  ]);
  for (const { durationMs } of failed) expect(durationMs).toBeGreaterThan(38);
});

describe('an abort', () => {
  test('ends all, and those whose release never began are as before', async () => {
    const all = Array.from({ length: 18 }, (_, index) => make(`m${index}`, 100 - index));
    const controller = new AbortController();
    const unloading = registryOf(...all.map(({ model }) => model)).unloadAll({
      signal: controller.signal,
    });
    controller.abort('enough');
    const [first, ...queued] = all.filter(isBegun);
    first?.native.latest.frees(30);
    first?.native.latest.settles('interrupted');
    for (const { native } of queued) native.latest.settles('interrupted', { begun: false });
    const { failed } = await unloading;
    expect(failed).toHaveLength(18);
    for (const { error } of failed) expect(error).toMatchObject({ cause: 'enough' });
    expect(all.map(({ model }) => model.state)).toEqual([
      'interrupted',
      ...Array.from({ length: 17 }, () => 'loaded'),
    ]);
    all[1]?.model.acquire().release();
  });

  test('is listened to once, however many are unloaded', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => {
      warnings.push(warning);
    };
    process.on('warning', onWarning);
    const { signal } = new AbortController();
    const names = Array.from({ length: 20 }, (_, index) => `u${index}`);
    const waits = names.map((name) => ({ name, unload: turn }));
    await registryOf(...waits).unloadAll({ signal });
    await turn();
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});

test('a release that never began gives a model back that was interrupted before', async () => {
  const { native, model } = make('m', 100);
  const first = model.unload().catch(() => undefined);
  native.latest.settles('interrupted');
  await first;
  const controller = new AbortController();
  const second = model.unload({ signal: controller.signal });
  controller.abort();
  native.latest.settles('interrupted', { begun: false });
  await expect(second).rejects.toMatchObject({ code: 'ABORT_ERR', remainingBytes: 100 });
  expect(model.state).toBe('interrupted');
});

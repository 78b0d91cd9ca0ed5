/** unloadAll: what goes side by side, what one after the other, and how they share `totalMs`. */

import { describe, expect, test } from '@jest/globals';

import { TimeoutError } from '../../lib/common/errors.js';
import { ModelRegistry } from '../../lib/models/registry.js';
import type { Unloadable } from '../../lib/models/unloadable.js';

const never = (): Promise<never> => new Promise(() => undefined);

function registryOf(...unloadables: readonly Unloadable[]): ModelRegistry {
  const registry = new ModelRegistry();
  for (const unloadable of unloadables) registry.add(unloadable);
  return registry;
}

/** How much later than its limit an unloadable may be left behind: 40 ms by design. */
const LATE_MS = 300;

describe('lanes', () => {
  interface Log {
    readonly events: string[];
    readonly make: (name: string, extra?: { device?: number; bytes?: number }) => Unloadable;
  }

  function logging(): Log {
    const events: string[] = [];
    return {
      events,
      make: (name, extra = {}) => ({
        name,
        ...extra,
        async unload() {
          events.push(`${name} begins`);
          await new Promise(setImmediate);
          events.push(`${name} ends`);
        },
      }),
    };
  }

  test('what is on one device goes one after the other, the largest first', async () => {
    const { events, make } = logging();
    await registryOf(
      make('small', { device: 0, bytes: 1 }),
      make('large', { device: 0, bytes: 3 }),
      make('unknown', { device: 0 }),
      make('medium', { device: 0, bytes: 2 }),
    ).unloadAll();
    expect(events.filter((event) => event.endsWith('begins'))).toEqual([
      'large begins',
      'medium begins',
      'small begins',
      'unknown begins',
    ]);
    expect(events.map((event) => event.split(' ')[1])).toEqual(
      Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? 'begins' : 'ends')),
    );
  });

  test('devices, and what is on none, go side by side', async () => {
    const { events, make } = logging();
    await registryOf(
      make('a', { device: 0 }),
      make('b', { device: 1 }),
      make('c'),
      make('d'),
    ).unloadAll();
    expect(events.slice(0, 4)).toEqual(['a begins', 'b begins', 'c begins', 'd begins']);
  });

  test.each([1, 2, 3])('concurrency %i is how many go at the same time', async (concurrency) => {
    const { events, make } = logging();
    await registryOf(...['a', 'b', 'c', 'd'].map((name) => make(name))).unloadAll({ concurrency });
    let running = 0;
    const levels = events.map((event) => (running += event.endsWith('begins') ? 1 : -1));
    expect(Math.max(...levels)).toBe(concurrency);
    expect(events).toHaveLength(8);
  });
});

describe('totalMs', () => {
  const quick = (name: string): Unloadable => ({ name, unload: () => Promise.resolve() });

  test('is shared, so that one that hangs leaves time for the others of its device', async () => {
    const hung = { name: 'hung', device: 0, bytes: 9, unload: never };
    const others = ['a', 'b'].map((name) => ({ ...quick(name), device: 0 }));
    const summary = await registryOf(hung, ...others).unloadAll({ totalMs: 600 });
    expect(summary.unloaded.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(summary.failed).toMatchObject([
      { name: 'hung', error: { message: expect.stringMatching(/within (1[5-9]\d|200) ms/) } },
    ]);
    expect(summary.durationMs).toBeLessThan(600);
  });

  test('is shared also with those that wait for another lane to end', async () => {
    const hung: Unloadable = { name: 'hung', unload: never };
    const summary = await registryOf(hung, quick('a'), quick('b')).unloadAll({
      totalMs: 600,
      concurrency: 1,
    });
    expect(summary.unloaded.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(summary.durationMs).toBeLessThan(600);
  });

  test('ends what has no time left at once', async () => {
    const names = ['a', 'b', 'c'];
    const registry = registryOf(...names.map((name) => ({ name, device: 0, unload: never })));
    const { failed, durationMs } = await registry.unloadAll({ totalMs: 60 });
    expect(failed.map(({ name }) => name)).toEqual(names);
    for (const { error } of failed) expect(error).toBeInstanceOf(TimeoutError);
    expect(durationMs).toBeLessThan(60 + 3 * LATE_MS);
  });

  test('does not lengthen timeoutMs', async () => {
    const registry = registryOf({ name: 'x', unload: never });
    const { failed } = await registry.unloadAll({ totalMs: 5000, timeoutMs: 30 });
    expect(failed[0]?.durationMs).toBeLessThan(30 + LATE_MS);
  });
});

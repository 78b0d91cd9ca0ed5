/** unloadAll: what others depend on goes behind them. */

import { describe, expect, test } from '@jest/globals';
import { ModelRegistry } from '../../lib/models/registry.js';
import type { Unloadable } from '../../lib/models/unloadable.js';

interface Extra {
  readonly device?: number;
  readonly bytes?: number;
}

function logging(): { events: string[]; make: (name: string, extra?: Extra) => Unloadable } {
  const events: string[] = [];
  const make = (name: string, extra: Extra = {}): Unloadable => ({
    name,
    ...extra,
    async unload() {
      events.push(`${name} begins`);
      await new Promise(setImmediate);
      events.push(`${name} ends`);
      if (name.startsWith('bad')) throw new Error('busy');
    },
  });
  return { events, make };
}

describe('what others depend on', () => {
  test('goes behind them on its device, though it is larger', async () => {
    const { events, make } = logging();
    await new ModelRegistry()
      .add(make('base', { device: 0, bytes: 9 }))
      .add(make('other', { device: 0, bytes: 5 }))
      .add(make('adapter', { device: 0, bytes: 1 }), { dependsOn: ['base'] })
      .unloadAll();
    expect(events.filter((event) => event.endsWith('begins'))).toEqual([
      'other begins',
      'adapter begins',
      'base begins',
    ]);
  });

  test('waits for them on other devices, too, while its own goes on', async () => {
    const { events, make } = logging();
    await new ModelRegistry()
      .add(make('base', { device: 0, bytes: 9 }))
      .add(make('first', { device: 1, bytes: 9 }))
      .add(make('adapter', { device: 1, bytes: 1 }), { dependsOn: ['base'] })
      .add(make('small', { device: 0, bytes: 1 }))
      .unloadAll();
    expect(events.slice(0, 2)).toEqual(['first begins', 'small begins']);
    expect(events.indexOf('adapter ends')).toBeLessThan(events.indexOf('base begins'));
  });

  test('goes also when they fail', async () => {
    const { events, make } = logging();
    const { unloaded, failed } = await new ModelRegistry()
      .add(make('base'))
      .add(make('bad adapter'), { dependsOn: ['base'] })
      .unloadAll();
    expect(events.at(-1)).toBe('base ends');
    expect(unloaded.map(({ name }) => name)).toEqual(['base']);
    expect(failed.map(({ name }) => name)).toEqual(['bad adapter']);
  });

  test('may have been removed', async () => {
    const { events, make } = logging();
    const registry = new ModelRegistry()
      .add(make('base'))
      .add(make('adapter'), { dependsOn: ['base'] });
    registry.remove('base');
    await registry.unloadAll();
    expect(events).toEqual(['adapter begins', 'adapter ends']);
  });

  test('shares the time with those before it', async () => {
    const limits: Record<string, number> = {};
    const make = (name: string): Unloadable => ({
      name,
      unload: ({ timeoutMs }) => {
        limits[name] = timeoutMs;
        return Promise.resolve();
      },
    });
    await new ModelRegistry()
      .add(make('a'))
      .add(make('b'), { dependsOn: ['a'] })
      .add(make('c'), { dependsOn: ['b'] })
      .unloadAll({ totalMs: 3000, timeoutMs: 10_000 });
    expect(limits.c).toBeLessThanOrEqual(1000);
    expect(limits.c).toBeGreaterThan(900);
    expect(limits.a).toBeGreaterThan(2500);
  });
});

test.each([
  [['missing'], 'RangeError: Expected each name in `dependsOn` to be registered before'],
  [['self'], 'RangeError: Expected each name in `dependsOn` to be registered before'],
  [[5], 'RangeError: Expected each name in `dependsOn` to be registered before'],
  ['base', 'TypeError: Expected the `dependsOn` option to be an array of names'],
])('the dependencies %j are refused', (dependsOn, message) => {
  const { make } = logging();
  const registry = new ModelRegistry().add(make('base'));
  let thrown: unknown;
  try {
    registry.add(make('self'), { dependsOn: dependsOn as never });
  } catch (error) {
    thrown = error;
  }
  expect(String(thrown)).toContain(message);
  expect(registry.size).toBe(1);
});

test('what is on several devices goes on none of them beside another', async () => {
  const { events, make } = logging();
  await new ModelRegistry()
    .add({ ...make('spread', { bytes: 9 }), ...{ devices: [0, 1] } })
    .add(make('a', { device: 0, bytes: 1 }))
    .add(make('b', { device: 1, bytes: 1 }))
    .add(make('c', { device: 2, bytes: 1 }))
    .unloadAll();
  expect(events.slice(0, 2)).toEqual(['spread begins', 'c begins']);
  expect(events.indexOf('spread ends')).toBeLessThan(events.indexOf('a begins'));
  expect(events.indexOf('spread ends')).toBeLessThan(events.indexOf('b begins'));
  expect(events.indexOf('b begins')).toBeLessThan(events.indexOf('a ends'));
});

test('one that came back under its name may not depend on what depends on it', async () => {
  const { make } = logging();
  const registry = new ModelRegistry()
    .add(make('base'))
    .add(make('middle'), { dependsOn: ['base'] })
    .add(make('adapter'), { dependsOn: ['middle'] });
  registry.remove('base');
  expect(() => registry.add(make('base'), { dependsOn: ['adapter'] })).toThrow(
    'Expected each name in `dependsOn` to be of what does not depend on base, got `adapter`',
  );
  expect((await registry.unloadAll()).unloaded).toHaveLength(2);
});

test('an unloadable whose getters throw is unloaded all the same, and so are the others', async () => {
  const { events, make } = logging();
  const broken = Object.defineProperties(make('broken'), {
    bytes: {
      get: () => {
        throw new Error('bytes');
      },
    },
    device: {
      get: () => {
        throw new Error('device');
      },
    },
  });
  const registry = new ModelRegistry().add(make('a')).add(broken).add(make('b'));
  const { unloaded, failed } = await registry.unloadAll();
  expect(failed).toEqual([]);
  expect(unloaded.map(({ name }) => name).toSorted()).toEqual(['a', 'b', 'broken']);
  expect(events).toHaveLength(6);
});

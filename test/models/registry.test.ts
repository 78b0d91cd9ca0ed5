/** ModelRegistry: what it holds, and what stays in it. */

import { describe, expect, test } from '@jest/globals';

import { ModelRegistry } from '../../lib/models/registry.js';
import type { Unloadable } from '../../lib/models/unloadable.js';

function unloadable(
  name: string,
  unload: Unloadable['unload'] = () => Promise.resolve(),
): Unloadable {
  return { name, unload };
}

describe('add, get and remove', () => {
  test('hold what can be unloaded, by its name', () => {
    const [a, b] = [unloadable('a'), unloadable('b')];
    const registry = new ModelRegistry().add(a).add(b);
    expect(registry.size).toBe(2);
    expect(registry.get('a')).toBe(a);
    expect(registry.get('c')).toBeUndefined();
    expect(registry.remove('a')).toBe(true);
    expect(registry.remove('a')).toBe(false);
    expect(registry.get('a')).toBeUndefined();
    expect(registry.add(a).get('a')).toBe(a);
  });

  test('refuse a name that is taken, also by the same object', () => {
    const a = unloadable('a');
    const registry = new ModelRegistry().add(a);
    const message = 'Expected the name of what is registered to be new, got `a` (string)';
    for (const again of [a, unloadable('a')]) {
      expect(() => registry.add(again)).toThrow(new RangeError(message));
    }
    expect(registry.size).toBe(1);
  });

  test.each([
    [undefined, '`undefined` (undefined)'],
    [null, '`null` (null)'],
    ['model', '`model` (string)'],
    [{ name: 'a' }, '`Object` (object)'],
    [{ name: 'a', unload: true }, '`Object` (object)'],
  ])('refuse %j, which cannot be unloaded', (bad, got) => {
    const message = `Expected what is registered to be a model, or an object with a name and unload(), got ${got}`;
    expect(() => new ModelRegistry().add(bad as never)).toThrow(new TypeError(message));
  });

  test.each([undefined, '', 5])('refuse the name %j', (name) => {
    const add = (): unknown => new ModelRegistry().add(unloadable(name as never));
    expect(add).toThrow(TypeError);
    expect(add).toThrow('Expected the name of what is registered to be a non-empty string, got');
  });
});

describe('after unloadAll', () => {
  test('what was unloaded has left, what failed has stayed', async () => {
    const error = new Error('busy');
    const registry = new ModelRegistry()
      .add(unloadable('good'))
      .add(unloadable('bad', () => Promise.reject(error)));
    const summary = await registry.unloadAll();
    expect(summary).toMatchObject({
      unloaded: [{ name: 'good', status: 'unloaded' }],
      failed: [{ name: 'bad', error, durationMs: expect.any(Number) }],
      durationMs: expect.any(Number),
    });
    expect(registry.get('good')).toBeUndefined();
    expect(registry.get('bad')).toBeDefined();
    expect(registry.failed).toEqual(summary.failed);
  });

  test('what failed is tried again, and is failed no longer when it succeeds', async () => {
    let attempts = 0;
    const registry = new ModelRegistry().add(
      unloadable('a', () => {
        attempts += 1;
        return attempts === 1 ? Promise.reject(new Error('busy')) : Promise.resolve();
      }),
    );
    await registry.unloadAll();
    expect(registry.failed).toHaveLength(1);
    const { unloaded } = await registry.unloadAll();
    expect(unloaded).toHaveLength(1);
    expect(registry.failed).toEqual([]);
    expect(registry.size).toBe(0);
  });

  test('what is removed is failed no longer', async () => {
    const registry = new ModelRegistry().add(unloadable('a', () => Promise.reject(new Error())));
    await registry.unloadAll();
    registry.remove('a');
    expect(registry.failed).toEqual([]);
  });

  test('an unloadable is known by its own name, whatever its result says', async () => {
    const result = { name: 'innocent', status: 'unloaded', freedBytes: 1 } as never;
    const registry = new ModelRegistry()
      .add(unloadable('liar', () => Promise.resolve(result)))
      .add(unloadable('innocent', () => Promise.reject(new Error('busy'))));
    const { unloaded, failed } = await registry.unloadAll();
    expect(unloaded).toMatchObject([{ name: 'liar', freedBytes: 1 }]);
    expect(failed).toMatchObject([{ name: 'innocent' }]);
    expect(registry.get('liar')).toBeUndefined();
    expect(registry.get('innocent')).toBeDefined();
  });

  test('what took its name in the meantime has stayed', async () => {
    const registry = new ModelRegistry();
    // Unloaded in the same run, and so it stays only by its own failure.
    const next = unloadable('a', () => Promise.reject(new Error('busy')));
    registry.add(
      unloadable('a', () => {
        registry.remove('a');
        registry.add(next);
        return Promise.resolve();
      }),
    );
    await registry.unloadAll();
    expect(registry.get('a')).toBe(next);
    expect(registry.failed).toMatchObject([{ name: 'a', error: { message: 'busy' } }]);
  });
});

test('an empty registry has nothing to unload', async () => {
  const summary = await new ModelRegistry().unloadAll();
  expect(summary).toMatchObject({ unloaded: [], failed: [], freedBytes: 0 });
});

describe('unloadAll rejects', () => {
  test.each([
    [{ timeoutMs: 0 }, '`timeoutMs`'],
    [{ totalMs: '1' }, '`totalMs`'],
    [{ concurrency: 0 }, '`concurrency`'],
    [{ concurrency: 1.5 }, '`concurrency`'],
    [{ signal: 'x' }, '`signal`'],
    [{ onProgress: 1 }, '`onProgress`'],
    [{ timeout: 1 }, 'the option name'],
  ])('the options %j, and unloads nothing', async (options, named) => {
    const registry = new ModelRegistry().add(unloadable('a'));
    await expect(registry.unloadAll(options as never)).rejects.toThrow(
      `Expected ${named.startsWith('`') ? `the ${named}` : named}`,
    );
    expect(registry.size).toBe(1);
  });
});

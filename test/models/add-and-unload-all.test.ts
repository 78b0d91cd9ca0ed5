/** `add()` beside `unloadAll()`, and what is left behind by one that had no time. */

import { describe, expect, test } from '@jest/globals';

import { ModelStateError } from '../../lib/common/errors.js';
import { ModelRegistry } from '../../lib/models/registry.js';
import { disposable, type RuntimeModel } from '../../lib/index.js';
import { FakeNativeModel } from '../support/native-model.js';
import { Model } from '../../lib/models/model.js';
import { errorOf } from '../support/settled.js';
import { deferred } from '../support/shutdown.js';

const model = (name: string, dispose: () => unknown = () => 0): RuntimeModel =>
  disposable({ dispose }, { name, bytes: 10 });

const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);

describe('what is added while everything is unloaded', () => {
  test.each([false, true])('is unloaded in the same run (close: %s)', async (close) => {
    const registry = new ModelRegistry();
    const last = model('last');
    const late = model('late', () => registry.add(last));
    const disposal = deferred<undefined>();
    registry.add(model('first', () => disposal.promise));
    const unloading = registry.unloadAll({ close });
    registry.add(late);
    disposal.resolve(undefined);
    const { unloaded, failed, freedBytes } = await unloading;
    expect(names(unloaded)).toEqual(['first', 'late', 'last']);
    expect({ failed, freedBytes }).toEqual({ failed: [], freedBytes: 30 });
    expect(last.state).toBe('unloaded');
    expect(registry.size).toBe(0);
  });

  test('under the name of one that has failed, is not taken for that', async () => {
    const registry = new ModelRegistry();
    const again = model('a');
    const broken = model('a', () => {
      registry.remove('a');
      registry.add(again);
      throw new Error('no');
    });
    const { unloaded, failed } = await registry.add(broken).unloadAll();
    expect(names(failed)).toEqual(['a']);
    expect(names(unloaded)).toEqual(['a']);
    expect(again.state).toBe('unloaded');
  });

  test('one that has failed is not tried again in the same run', async () => {
    let tries = 0;
    const registry = new ModelRegistry();
    const broken = {
      name: 'broken',
      unload: () => {
        tries += 1;
        registry.add(model('late'));
        return Promise.reject(new Error('no'));
      },
    };
    const { unloaded, failed } = await registry.add(broken).unloadAll();
    expect({ tries, unloaded: names(unloaded), failed: names(failed) }).toEqual({
      tries: 1,
      unloaded: ['late'],
      failed: ['broken'],
    });
  });

  test('is told of where its time is over', async () => {
    const registry = new ModelRegistry();
    const stop = new AbortController();
    const late = model('late');
    const first = model('first', () => {
      stop.abort();
      registry.add(late);
    });
    const { failed } = await registry.add(first).unloadAll({ signal: stop.signal });
    expect(names(failed)).toContain('late');
    expect(late.state).toBe('loaded');
    expect(registry.get('late')).toBe(late);
  });
});

test('after the last unloadAll() nothing is taken any more; after another it is', async () => {
  const registry = new ModelRegistry();
  await registry.unloadAll();
  await registry.add(model('a')).unloadAll({ close: true });
  const error = await errorOf(Promise.resolve().then(() => registry.add(model('b'))));
  expect(error).toBeInstanceOf(ModelStateError);
  expect(registry.size).toBe(0);
});

describe('what was not begun is left behind with its balance', () => {
  const aborted = { signal: AbortSignal.abort() };

  test('a model', async () => {
    const native = new FakeNativeModel(100);
    const { failed } = await new ModelRegistry()
      .add(new Model('m', new Map(), native))
      .unloadAll(aborted);
    expect(failed).toMatchObject([{ name: 'm', freedBytes: 0, remainingBytes: 100 }]);
  });

  test('one of others that says what it holds, and one that does not', async () => {
    const unload = () => Promise.resolve();
    const { failed } = await new ModelRegistry()
      .add({ name: 'told', bytes: 7, unload })
      .add({ name: 'untold', unload })
      .unloadAll(aborted);
    expect(failed).toMatchObject([
      { name: 'told', freedBytes: 0, remainingBytes: 7 },
      { name: 'untold' },
    ]);
    expect(failed[1]).not.toHaveProperty('remainingBytes');
  });
});

/** `admit()` beside `unloadAll()`, and models that were unloaded by their own `unload()`. */

import { describe, expect, test } from '@jest/globals';

import { ModelStateError } from '../../lib/common/errors.js';
import { ModelRegistry } from '../../lib/models/registry.js';
import { disposable, type RuntimeModel } from '../../lib/index.js';
import { errorOf, standing } from '../support/settled.js';
import { deferred } from '../support/shutdown.js';

const model = (name: string, dispose: () => unknown = () => 0): RuntimeModel =>
  disposable({ dispose }, { name, bytes: 10 });

const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);

describe('what is being admitted when everything is unloaded', () => {
  test('is waited for, told to stop, and unloaded', async () => {
    const registry = new ModelRegistry().add(model('there'));
    const loaded = deferred<RuntimeModel>();
    let signal: AbortSignal | undefined;
    const admitting = registry.admit({ bytes: 10 }, (context) => {
      signal = context.signal;
      return loaded.promise;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(signal?.aborted).toBe(false);
    const unloading = registry.unloadAll();
    expect(signal?.aborted).toBe(true);
    expect(await standing(unloading)).toBe('pending');
    const late = model('late');
    loaded.resolve(late);
    expect(await admitting).toBe(late);
    const { unloaded, failed, freedBytes } = await unloading;
    expect(names(unloaded)).toEqual(['there', 'late']);
    expect({ failed, freedBytes }).toEqual({ failed: [], freedBytes: 20 });
    expect(late.state).toBe('unloaded');
    expect(registry.size).toBe(0);
  });

  test('may stop, and then is none of it', async () => {
    const registry = new ModelRegistry().add(model('there'));
    const admitting = registry.admit(
      { bytes: 10 },
      ({ signal }) =>
        new Promise<RuntimeModel>((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        }),
    );
    const stopped = errorOf(admitting);
    await new Promise((resolve) => setImmediate(resolve));
    expect(names((await registry.unloadAll()).unloaded)).toEqual(['there']);
    expect(await stopped).toMatchObject({ code: 'ABORT_ERR' });
  });

  test('keeps what it depends on, until it is unloaded itself', async () => {
    const order: string[] = [];
    const one = (name: string): RuntimeModel => model(name, () => order.push(name));
    const registry = new ModelRegistry().add(one('root'));
    registry.add(one('base'), { dependsOn: ['root'] }).add(one('other'));
    const loaded = deferred<RuntimeModel>();
    const options = { bytes: 10, dependsOn: ['base'] };
    const admitting = registry.admit(options, () => loaded.promise);
    const unloading = registry.unloadAll();
    while (order.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual(['other']);
    loaded.resolve(one('adapter'));
    await admitting;
    await unloading;
    expect(order).toEqual(['other', 'adapter', 'base', 'root']);
  });

  test.each(['totalMs', 'timeoutMs', 'signal'])(
    'is told of when it does not come in time (%s), and unloaded when it comes',
    async (limit) => {
      const registry = new ModelRegistry().add(model('base'));
      const loaded = deferred<RuntimeModel>();
      const options = { bytes: 10, dependsOn: ['base'] };
      const refused = errorOf(registry.admit(options, () => loaded.promise));
      await new Promise((resolve) => setImmediate(resolve));
      const bound = limit === 'signal' ? { signal: AbortSignal.timeout(20) } : { [limit]: 20 };
      const { failed } = await registry.unloadAll(bound);
      expect(failed).toContainEqual(
        expect.objectContaining({
          name: '(being admitted)',
          error: expect.objectContaining({ code: 'ERR_TIMEOUT' }),
        }),
      );
      const late = model('late');
      loaded.resolve(late);
      expect(await refused).toBeInstanceOf(ModelStateError);
      expect(late.state).toBe('unloaded');
      expect(registry.get('late')).toBeUndefined();
    },
  );

  test('and waits for room is not loaded any more', async () => {
    const disposal = deferred<undefined>();
    const full = new ModelRegistry({ budget: 10 });
    await full.admit({ bytes: 10 }, () => Promise.resolve(model('full', () => disposal.promise)));
    let loads = 0;
    const refused = errorOf(
      full.admit({ bytes: 10 }, () => {
        loads += 1;
        return Promise.resolve(model('new'));
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    const unloading = full.unloadAll();
    disposal.resolve(undefined);
    await unloading;
    expect(await refused).toBeInstanceOf(ModelStateError);
    expect(loads).toBe(0);
  });
});

describe('admit()', () => {
  const admit = (registry: ModelRegistry, name: string): Promise<RuntimeModel> =>
    registry.admit({ bytes: 10 }, () => Promise.resolve(model(name)));

  test('refuses while everything is unloaded, and admits again afterwards', async () => {
    const disposal = deferred<undefined>();
    const registry = new ModelRegistry().add(model('slow', () => disposal.promise));
    const unloading = registry.unloadAll();
    expect(await errorOf(admit(registry, 'a'))).toMatchObject({
      code: 'ERR_MODEL_STATE',
      state: 'unloading',
    });
    disposal.resolve(undefined);
    await unloading;
    await admit(registry, 'a');
    expect(registry.size).toBe(1);
  });

  test('refuses for ever after the last time', async () => {
    const registry = new ModelRegistry();
    await registry.unloadAll({ close: true });
    expect(await errorOf(admit(registry, 'a'))).toBeInstanceOf(ModelStateError);
    await registry.unloadAll();
    expect(await errorOf(admit(registry, 'a'))).toBeInstanceOf(ModelStateError);
  });

  test('a `close` that is none is refused, and changes nothing', async () => {
    const registry = new ModelRegistry();
    expect(await errorOf(registry.unloadAll({ close: 'yes' as never }))).toBeInstanceOf(TypeError);
    await admit(registry, 'a');
  });
});

describe('a model that was unloaded by its own unload()', () => {
  test('leaves its name and its room to the next', async () => {
    const registry = new ModelRegistry({ budget: 10 });
    const first = await registry.admit({ bytes: 10 }, () => Promise.resolve(model('a')));
    await first.unload();
    const second = await registry.admit({ bytes: 10 }, () => Promise.resolve(model('a')));
    expect(registry.get('a')).toBe(second);
    await second.unload();
    registry.add(model('a'));
    expect(registry.size).toBe(1);
  });

  test('is nothing that another can depend on', async () => {
    const base = model('base');
    const registry = new ModelRegistry().add(base);
    await base.unload();
    expect(() => registry.add(model('a'), { dependsOn: ['base'] })).toThrow(RangeError);
  });

  test('is told of by the next unloadAll()', async () => {
    const gone = model('gone');
    const registry = new ModelRegistry().add(gone);
    await gone.unload();
    const { unloaded } = await registry.unloadAll();
    expect(unloaded).toMatchObject([{ name: 'gone', status: 'already-unloaded' }]);
  });
});

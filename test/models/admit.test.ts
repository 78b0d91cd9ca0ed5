/** ModelRegistry.admit: loading within a budget for each device. */

import { describe, expect, test } from '@jest/globals';
import { ModelBudgetError } from '../../lib/common/errors.js';
import { ModelRegistry } from '../../lib/models/registry.js';
import { disposable, type RuntimeModel } from '../../lib/index.js';
import { deferred } from '../support/shutdown.js';

function model(name: string, bytes: number, dispose: () => unknown = () => 0): RuntimeModel {
  return disposable({ dispose }, { name, bytes });
}

/** A registry with a budget, and models in it that were used in this order. */
async function holding(budget: number, ...models: RuntimeModel[]): Promise<ModelRegistry> {
  const registry = new ModelRegistry({ budget });
  for (const one of models) {
    await registry.admit({ bytes: one.bytes }, () => Promise.resolve(one));
  }
  for (const one of models) one.acquire().release();
  return registry;
}

function names(registry: ModelRegistry): string[] {
  return ['a', 'b', 'c', 'd'].filter((name) => registry.get(name) !== undefined);
}

const fails = (): Promise<never> => Promise.reject(new Error('It was loaded'));

test('what fits is loaded and registered, and nothing makes way', async () => {
  const registry = await holding(100, model('a', 50));
  const b = model('b', 50);
  expect(await registry.admit({ bytes: 50 }, () => Promise.resolve(b))).toBe(b);
  expect(names(registry)).toEqual(['a', 'b']);
});

test('those not used for longest make way, and no more than needed', async () => {
  const [a, b, c] = [model('a', 40), model('b', 40), model('c', 20)];
  const registry = await holding(100, a, b, c);
  a.acquire().release();
  await registry.admit({ bytes: 30 }, () => Promise.resolve(model('d', 30)));
  expect(names(registry)).toEqual(['a', 'c', 'd']);
  expect(b.state).toBe('unloaded');
});

test('one with a lease never makes way', async () => {
  const [a, b] = [model('a', 50), model('b', 50)];
  const registry = await holding(100, a, b);
  const lease = a.acquire();
  await registry.admit({ bytes: 50 }, () => Promise.resolve(model('c', 50)));
  expect(names(registry)).toEqual(['a', 'c']);
  lease.release();
});

test('what others depend on makes way behind them', async () => {
  const registry = new ModelRegistry({ budget: 100 });
  await registry.admit({ bytes: 60 }, () => Promise.resolve(model('a', 60)));
  await registry.admit({ bytes: 20, dependsOn: ['a'] }, () => Promise.resolve(model('b', 20)));
  await registry.admit({ bytes: 90 }, () => Promise.resolve(model('c', 90)));
  expect(names(registry)).toEqual(['c']);
});

test('without enough room the error tells what is missing, and nothing is unloaded or loaded', async () => {
  const [a, b] = [model('a', 50), model('b', 50)];
  const registry = await holding(100, a, b);
  const lease = a.acquire();
  let loads = 0;
  const error: unknown = await registry
    .admit({ bytes: 70 }, () => {
      loads += 1;
      return Promise.resolve(model('c', 70));
    })
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ModelBudgetError);
  expect(error).toMatchObject({
    code: 'ERR_MODEL_BUDGET',
    device: 0,
    bytes: 70,
    budgetBytes: 100,
    missingBytes: 20,
    message: expect.stringContaining('20 B are missing'),
  });
  expect(loads).toBe(0);
  expect(names(registry)).toEqual(['a', 'b']);
  lease.release();
});

test('one that cannot be unloaded is the cause, and the next makes way', async () => {
  const broken = model('a', 40, () => {
    throw new Error('no');
  });
  const registry = await holding(100, broken, model('b', 60));
  await registry.admit({ bytes: 60 }, () => Promise.resolve(model('c', 60)));
  expect(names(registry)).toEqual(['a', 'c']);
  expect(registry.failed.map(({ name }) => name)).toEqual(['a']);
  const error: unknown = await registry
    .admit({ bytes: 100 }, () => Promise.resolve(model('d', 100)))
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_MODEL_BUDGET', cause: { code: 'ERR_UNLOAD' } });
});

test('what is needed by a model in use is no room to be made, and nothing is unloaded for it', async () => {
  const [idle, base, adapter] = [model('a', 40), model('b', 40), model('c', 20)];
  const registry = await holding(100, idle, base);
  await registry.admit({ bytes: 20, dependsOn: ['b'] }, () => Promise.resolve(adapter));
  const lease = adapter.acquire();
  const tooMuch = registry.admit({ bytes: 80 }, () => Promise.resolve(model('d', 80)));
  await expect(tooMuch).rejects.toMatchObject({ missingBytes: 40 });
  expect(names(registry)).toEqual(['a', 'b', 'c']);
  lease.release();
});

test('what is needed on another device is no room to be made', async () => {
  const registry = await holding(100, model('a', 40), model('b', 60));
  const other = model('c', 10);
  await registry.admit({ bytes: 10, device: 1, dependsOn: ['b'] }, () => Promise.resolve(other));
  const tooMuch = registry.admit({ bytes: 80 }, () => Promise.resolve(model('d', 80)));
  await expect(tooMuch).rejects.toMatchObject({ missingBytes: 40 });
  expect(names(registry)).toEqual(['a', 'b', 'c']);
});

test('what the model that is loading depends on stays, though it was not used for longest', async () => {
  const registry = await holding(100, model('a', 40), model('b', 60));
  const options = { bytes: 60, dependsOn: ['a'] };
  await registry.admit(options, () => Promise.resolve(model('c', 60)));
  expect(names(registry)).toEqual(['a', 'c']);
  await expect(registry.admit({ ...options, bytes: 101 }, fails)).rejects.toMatchObject({
    missingBytes: 41,
  });
  // Nothing that loads depends on it any more.
  await registry.admit({ bytes: 100 }, () => Promise.resolve(model('d', 100)));
  expect(names(registry)).toEqual(['d']);
});

test('one that does not tell its bytes holds those that it was admitted with', async () => {
  const registry = new ModelRegistry({ budget: 100 });
  const untold = disposable({ dispose: () => 0 }, { name: 'a' });
  await registry.admit({ bytes: 60 }, () => Promise.resolve(untold));
  const lease = untold.acquire();
  const tooMuch = registry.admit({ bytes: 60 }, () => Promise.resolve(model('b', 60)));
  await expect(tooMuch).rejects.toMatchObject({ missingBytes: 20 });
  lease.release();
  await registry.admit({ bytes: 60 }, () => Promise.resolve(model('b', 60)));
  expect(untold.state).toBe('unloaded');
});

test.each(Array.from({ length: 12 }, (_, turns) => turns))(
  'what was loaded counts once, also %i microtasks later',
  async (turns) => {
    const registry = new ModelRegistry({ budget: 100 });
    const loaded = deferred<RuntimeModel>();
    const first = registry.admit({ bytes: 50 }, () => loaded.promise);
    await new Promise(setImmediate);
    loaded.resolve(model('a', 50));
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    await registry.admit({ bytes: 50 }, () => Promise.resolve(model('b', 50)));
    await first;
    expect(names(registry)).toEqual(['a', 'b']);
  },
);

test('what throws when it is asked for its bytes or its use stays, and holds up nothing', async () => {
  const fault = (): never => {
    throw new Error('a getter');
  };
  const broken = Object.defineProperties(
    { name: 'a', unload: () => Promise.resolve() },
    { bytes: { get: fault }, leases: { get: fault } },
  );
  const registry = new ModelRegistry({ budget: 100 });
  await registry.admit({ bytes: 10 }, () => Promise.resolve(broken));
  await registry.admit({ bytes: 90 }, () => Promise.resolve(model('b', 90)));
  await registry.admit({ bytes: 90 }, () => Promise.resolve(model('c', 90)));
  expect(names(registry)).toEqual(['a', 'c']);
});

test('several at a time share the room', async () => {
  const registry = new ModelRegistry({ budget: 100 });
  const loaded = deferred();
  const first = registry.admit({ bytes: 60 }, async () => {
    await loaded.promise;
    return model('a', 60);
  });
  const second = registry.admit({ bytes: 60 }, () => Promise.resolve(model('b', 60)));
  await expect(second).rejects.toBeInstanceOf(ModelBudgetError);
  loaded.resolve();
  await first;
  expect(names(registry)).toEqual(['a']);
});

test('a load that fails gives its room back', async () => {
  const registry = new ModelRegistry({ budget: 100 });
  const failed = registry.admit({ bytes: 80 }, () => Promise.reject(new Error('no file')));
  await expect(failed).rejects.toThrow('no file');
  await registry.admit({ bytes: 80 }, () => Promise.resolve(model('a', 80)));
  expect(names(registry)).toEqual(['a']);
});

test('what cannot be registered is unloaded again', async () => {
  const registry = await holding(100, model('a', 10));
  const twin = model('a', 10);
  await expect(registry.admit({ bytes: 10 }, () => Promise.resolve(twin))).rejects.toThrow(
    'Expected the name of what is registered to be new',
  );
  expect(twin.state).toBe('unloaded');
});

test('a budget is by device, and a device without one has no limit', async () => {
  const registry = new ModelRegistry({ budget: { 'cuda:1': 10 } });
  await registry.admit({ bytes: 1000 }, () => Promise.resolve(model('a', 1000)));
  const tooMuch = registry.admit({ bytes: 11, device: 1 }, () => Promise.resolve(model('b', 11)));
  await expect(tooMuch).rejects.toMatchObject({ device: 1, missingBytes: 1 });
  await registry.admit({ bytes: 10, device: 'cuda:1' }, () => Promise.resolve(model('c', 10)));
  await registry.admit({ bytes: 5, device: 'cuda:1' }, () => Promise.resolve(model('d', 5)));
  expect(names(registry)).toEqual(['a', 'd']);
});

describe('refused', () => {
  test.each([
    [0, 'the `budget` option'],
    [NaN, 'the `budget` option'],
    ['8GB', 'the `budget` option'],
    [null, 'the `budget` option'],
    [{ 0: 5 }, 'each device of the `budget` option'],
    [{ 'cuda:x': 5 }, 'each device of the `budget` option'],
    [{ 'cuda:0': -1 }, 'the `budget` of cuda:0'],
  ])('is the budget %j', (budget, named) => {
    expect(() => new ModelRegistry({ budget: budget as never })).toThrow(`Expected ${named}`);
  });

  test.each([
    [undefined, '`bytes`'],
    [{ bytes: 0 }, '`bytes`'],
    [{ bytes: 1.5 }, '`bytes`'],
    [{ bytes: 1, device: -1 }, 'the device'],
    [{ bytes: 1, timeoutMs: 0 }, '`timeoutMs`'],
    [{ bytes: 1, dependsOn: ['x'] }, '`dependsOn`'],
    [{ size: 1 }, 'the option name'],
  ])('are the options %j, and nothing is loaded', async (options, named) => {
    let loads = 0;
    const admitted = new ModelRegistry({ budget: 10 }).admit(options as never, () => {
      loads += 1;
      return Promise.resolve(model('a', 1));
    });
    await expect(admitted).rejects.toThrow(named);
    expect(loads).toBe(0);
  });
});

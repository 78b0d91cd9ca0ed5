/** What a spread model counts for: on each of its devices with what is there. */

import { describe, expect, test } from '@jest/globals';

import { Model } from '../../lib/models/model.js';
import { NativeParts } from '../../lib/models/native-parts.js';
import { ModelRegistry } from '../../lib/models/registry.js';
import { disposable, type RuntimeModel } from '../../lib/index.js';
import { FakeNativeTensors } from '../support/native-model.js';

const model = (name: string, bytes: number): RuntimeModel =>
  disposable({ dispose: () => 0 }, { name, bytes });

/** 60 bytes on device 0, in two parts, and 30 on device 2. */
function spread(): { readonly model: Model; readonly parts: readonly FakeNativeTensors[] } {
  const parts = [
    new FakeNativeTensors(40, 0),
    new FakeNativeTensors(30, 2),
    new FakeNativeTensors(20, 0),
  ];
  return { model: new Model('spread', new Map(), new NativeParts(parts)), parts };
}

test('a model tells its bytes by device', () => {
  expect([...spread().model.bytesByDevice]).toEqual([
    [0, 60],
    [2, 30],
  ]);
});

test.each([
  [0, 40, 41, 1],
  [2, 70, 71, 1],
  [1, 100, 101, 1],
])('on device %i it leaves room for %i', async (device, fitting, tooMuch, missingBytes) => {
  const registry = new ModelRegistry({ budget: 100 });
  const { model: used } = spread();
  used.acquire();
  registry.add(used);
  await expect(
    registry.admit({ bytes: tooMuch, device }, () => Promise.resolve(model('a', tooMuch))),
  ).rejects.toMatchObject({ code: 'ERR_MODEL_BUDGET', missingBytes });
  await registry.admit({ bytes: fitting, device }, () => Promise.resolve(model('a', fitting)));
});

test('idle, it makes way on a device that is not its first', async () => {
  const registry = new ModelRegistry({ budget: { 'cuda:2': 100 } });
  const { model: idle, parts } = spread();
  idle.acquire().release();
  registry.add(idle);
  const admitting = registry.admit({ bytes: 90, device: 2 }, () => Promise.resolve(model('a', 90)));
  while (parts.some(({ releases }) => releases.length === 0)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const part of parts) part.latest.settles('done');
  await admitting;
  expect(idle.state).toBe('unloaded');
  expect(registry.get('spread')).toBeUndefined();
});

test('what tells nonsense, or throws, counts as before', async () => {
  const registry = new ModelRegistry({ budget: 100 });
  const unload = () => Promise.resolve();
  await registry.admit({ bytes: 60 }, () =>
    Promise.resolve({ name: 'nonsense', unload, bytesByDevice: 'much' as never }),
  );
  await registry.admit({ bytes: 30 }, () =>
    Promise.resolve({
      name: 'throws',
      unload,
      get bytesByDevice(): never {
        throw new Error('no');
      },
    }),
  );
  await expect(
    registry.admit({ bytes: 20 }, () => Promise.resolve(model('a', 20))),
  ).rejects.toMatchObject({ missingBytes: 10 });
});

describe('what will be on several devices', () => {
  const idle = (name: string, bytes: number, device: number): Model => {
    const native = new FakeNativeTensors(bytes, device);
    const one = new Model(name, new Map(), new NativeParts([native]));
    one.acquire().release();
    natives.set(name, native);
    return one;
  };
  const natives = new Map<string, FakeNativeTensors>();
  const unloads = async (name: string): Promise<void> => {
    while (natives.get(name)?.releases.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    natives.get(name)?.latest.settles('done');
  };

  test.each([
    [{ 'cuda:0': 60, 'cuda:2': 50 }],
    [
      new Map([
        [2, 50],
        [0, 60],
      ]),
    ],
  ])('gets room on each of them', async (bytesByDevice) => {
    const registry = new ModelRegistry({ budget: 100 });
    const [a, b, c] = [idle('a', 70, 0), idle('b', 60, 2), idle('c', 40, 2)];
    registry.add(a).add(b).add(c);
    const { model: loaded } = spread();
    const admitting = registry.admit({ bytesByDevice }, () => Promise.resolve(loaded));
    await Promise.all([unloads('a'), unloads('b')]);
    expect(await admitting).toBe(loaded);
    expect([a, b, c].map(({ state }) => state)).toEqual(['unloaded', 'unloaded', 'loaded']);
  });

  test('gets none where one of them has none, and nothing is unloaded', async () => {
    const registry = new ModelRegistry({ budget: 100 });
    const [a, used] = [idle('a', 70, 0), idle('b', 70, 2)];
    used.acquire();
    registry.add(a).add(used);
    const bytesByDevice = { 'cuda:0': 60, 'cuda:2': 50 };
    await expect(
      registry.admit({ bytesByDevice }, () => Promise.resolve(spread().model)),
    ).rejects.toMatchObject({ device: 2, bytes: 50, missingBytes: 20 });
    expect(a.state).toBe('loaded');
  });

  test('keeps the room while it loads; two that share devices do not wait for each other', async () => {
    const registry = new ModelRegistry({ budget: 100 });
    const admit = (name: string, ...devices: readonly number[]) =>
      registry.admit({ bytesByDevice: new Map(devices.map((device) => [device, 40])) }, () => {
        const used = model(name, 80);
        used.acquire();
        return Promise.resolve(used);
      });
    await Promise.all([admit('a', 0, 2), admit('b', 2, 0)]);
    await expect(admit('c', 1, 2)).rejects.toMatchObject({ device: 2, missingBytes: 20 });
    await admit('d', 1);
  });

  test.each([
    [{ bytesByDevice: {} }, RangeError],
    [{ bytesByDevice: 3 }, TypeError],
    [{ bytesByDevice: { 'cuda:0': 0 } }, RangeError],
    [{ bytesByDevice: { gpu: 1 } }, RangeError],
    [{ bytesByDevice: { 'cuda:0': 1 }, bytes: 1 }, RangeError],
    [{ bytesByDevice: { 'cuda:0': 1 }, device: 0 }, RangeError],
    [{}, TypeError],
  ])('%j is refused', async (options, type) => {
    const registry = new ModelRegistry({ budget: 100 });
    await expect(
      registry.admit(options as never, () => Promise.resolve(model('a', 1))),
    ).rejects.toBeInstanceOf(type);
  });
});

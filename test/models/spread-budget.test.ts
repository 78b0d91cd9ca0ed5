/** What a spread model counts for: on each of its devices with what is there. */

import { expect, test } from '@jest/globals';

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

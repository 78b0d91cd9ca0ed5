/** The life of an adapter: one disposal, after the leases, which nothing can cancel. */

import { describe, expect, test } from '@jest/globals';

import {
  AbortError,
  ModelStateError,
  TimeoutError,
  UnloadError,
} from '../../../lib/common/errors.js';
import { ModelRegistry } from '../../../lib/models/registry.js';
import { disposable } from '../../../lib/runtimes/disposable.js';
import type { RuntimeModel } from '../../../lib/runtimes/runtime-model.js';
import { HandMade } from '../../support/disposal.js';
import { errorOf, standing } from '../../support/settled.js';

function make(bytes = 100): { object: HandMade; model: RuntimeModel } {
  const object = new HandMade();
  return { object, model: disposable(object, { name: 'm', bytes }) };
}

/** The time of the last caller is over when the disposal has begun, however slow the machine is. */
async function timeoutWhileDisposing(object: HandMade, model: RuntimeModel): Promise<Error> {
  const controller = new AbortController();
  const first = errorOf(model.unload({ signal: controller.signal }));
  await object.begun();
  const second = errorOf(model.unload({ timeoutMs: 5 }));
  controller.abort();
  await first;
  return second;
}

describe('an unload', () => {
  test('waits for the leases, disposes, and says what the process holds', async () => {
    const { object, model } = make();
    const lease = model.acquire();
    const unloading = model.unload();
    expect(model.state).toBe('draining');
    expect(await standing(unloading)).toBe('pending');
    lease.release();
    expect(model.state).toBe('releasing');
    (await object.begun()).resolve(undefined);
    const result = await unloading;
    expect(result).toMatchObject({
      name: 'm',
      status: 'unloaded',
      freedBytes: 100,
      tensors: 0,
      drainedLeases: 1,
      memory: { before: undefined, after: undefined, verified: 'unverifiable' },
    });
    expect(result.memory.rss?.before).toBeGreaterThan(1e6);
    expect(result.memory.rss?.after).toBeGreaterThan(1e6);
    expect(model.state).toBe('unloaded');
  });

  test('is shared, and a later one finds nothing to do', async () => {
    const { object, model } = make();
    const both = [model.unload(), model.unload()];
    (await object.begun()).resolve(undefined);
    expect(await Promise.all(both)).toMatchObject([{ freedBytes: 100 }, { freedBytes: 100 }]);
    expect(await model.unload()).toMatchObject({ status: 'already-unloaded', freedBytes: 0 });
    expect(object.disposals).toHaveLength(1);
  });

  test('tells of its progress', async () => {
    const { object, model } = make();
    const told: unknown[] = [];
    const unloading = model.unload({ onProgress: (progress) => told.push(progress) });
    (await object.begun()).resolve(undefined);
    await unloading;
    expect(told).toEqual([
      { phase: 'draining', freedBytes: 0, totalBytes: 100, leases: 0 },
      { phase: 'releasing', freedBytes: 100, totalBytes: 100, leases: 0 },
    ]);
  });

  test('of what holds nothing that is known', async () => {
    const object = new HandMade();
    const model = disposable(object, { name: 'm' });
    expect(await timeoutWhileDisposing(object, model)).toMatchObject({
      freedBytes: 0,
      remainingBytes: 0,
    });
    expect(model.state).toBe('stuck');
    (await object.begun()).resolve(undefined);
    expect(await model.unload()).toMatchObject({ status: 'already-unloaded' });
  });
});

describe('an abort', () => {
  test('while it drains leaves the model loaded', async () => {
    const { object, model } = make();
    const lease = model.acquire();
    const controller = new AbortController();
    const unloading = model.unload({ signal: controller.signal });
    controller.abort('why');
    const error = await errorOf(unloading);
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toMatchObject({ cause: 'why', freedBytes: 0, remainingBytes: 100 });
    expect(model.state).toBe('loaded');
    lease.release();
    model.acquire().release();
    expect(object.disposals).toHaveLength(0);
  });

  test('before the disposal has begun leaves it to a later unload', async () => {
    const { object, model } = make();
    const controller = new AbortController();
    const unloading = model.unload({ signal: controller.signal });
    expect(model.state).toBe('releasing');
    controller.abort();
    expect(await errorOf(unloading)).toBeInstanceOf(AbortError);
    expect(model.state).toBe('interrupted');
    expect(() => model.acquire()).toThrow(ModelStateError);
    await new Promise(setImmediate);
    expect(object.disposals).toHaveLength(0);
    const again = model.unload();
    (await object.begun()).resolve(undefined);
    expect(await again).toMatchObject({ status: 'unloaded', freedBytes: 100 });
    expect(object.disposals).toHaveLength(1);
  });
});

describe('a disposal that outlasts its unload', () => {
  async function stuck(): Promise<ReturnType<typeof make>> {
    const { object, model } = make();
    const error = await timeoutWhileDisposing(object, model);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error.message).toContain('stuck inside its disposal');
    expect(error).toMatchObject({
      freedBytes: 0,
      remainingBytes: 100,
    });
    expect(model.state).toBe('stuck');
    expect(() => model.acquire()).toThrow(ModelStateError);
    return { object, model };
  }

  test('is waited for by the next, which finds the model unloaded', async () => {
    const { object, model } = await stuck();
    const again = model.unload();
    expect(await standing(again)).toBe('pending');
    (await object.begun()).resolve(undefined);
    expect(await again).toMatchObject({ status: 'already-unloaded' });
    expect(model.state).toBe('unloaded');
    expect(object.disposals).toHaveLength(1);
  });

  test('can be waited for in vain', async () => {
    const { model } = await stuck();
    const error = await errorOf(model.unload({ timeoutMs: 5 }));
    expect(error.message).toContain(
      'waiting for its disposal of the unload before it to come back',
    );
    expect(model.state).toBe('stuck');
  });

  test('makes the model lost when it fails at last', async () => {
    const { object, model } = await stuck();
    const cause = new Error('no');
    (await object.begun()).reject(cause);
    const error = await errorOf(model.unload());
    expect(error).toBeInstanceOf(UnloadError);
    expect(error).toMatchObject({
      message: 'The disposal of the model m failed; only the end of the process frees its memory',
      cause,
      remainingBytes: 100,
    });
    expect(model.state).toBe('lost');
    expect(object.disposals).toHaveLength(1);
  });
});

describe('a disposal that fails', () => {
  const failures: [string, () => unknown, string][] = [
    [
      'throws',
      () => {
        throw new Error('Session already disposed.');
      },
      'Session already disposed.',
    ],
    ['rejects', () => Promise.reject(new Error('no')), 'no'],
    [
      'rejects with no error',
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- runtimes do
      () => Promise.reject('text'),
      'Expected an Error to be thrown, got `text` (string)',
    ],
  ];

  test.each(failures)(
    '%s: the error is told, and it is not tried again',
    async (_, dispose, text) => {
      let calls = 0;
      const counted = (): unknown => {
        calls += 1;
        return dispose();
      };
      const model = disposable({ dispose: counted }, { name: 'm', bytes: 7 });
      const error = await errorOf(model.unload());
      expect(error).toBeInstanceOf(UnloadError);
      expect(error).toMatchObject({
        message: `The unload of m failed while releasing: ${text}`,
        phase: 'releasing',
        freedBytes: 0,
        remainingBytes: 7,
      });
      expect((error.cause as Error).message).toBe(text);
      expect(model.state).toBe('lost');
      expect(await errorOf(model.unload())).toMatchObject({
        code: 'ERR_UNLOAD',
        cause: error.cause,
      });
      expect(calls).toBe(1);
    },
  );
});

test('in a registry, one that hangs does not keep the others', async () => {
  const { object, model } = make();
  const other = disposable({ close: () => undefined }, { name: 'other', bytes: 5 });
  const registry = new ModelRegistry().add(model).add(other);
  const controller = new AbortController();
  const unloading = registry.unloadAll({ signal: controller.signal });
  const disposal = await object.begun();
  while (other.state !== 'unloaded') {
    await new Promise(setImmediate);
  }
  controller.abort();
  expect(await unloading).toMatchObject({
    unloaded: [{ name: 'other', freedBytes: 5 }],
    failed: [{ name: 'm', freedBytes: 0, remainingBytes: 100 }],
  });
  expect(registry.failed[0]?.error).toBeInstanceOf(AbortError);
  expect(model.state).toBe('stuck');
  disposal.resolve(undefined);
  expect(await registry.unloadAll()).toMatchObject({ unloaded: [{ status: 'already-unloaded' }] });
});

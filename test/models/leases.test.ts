/** Leases: who gets one, and that an unload waits for all of them. */

import { describe, expect, test } from '@jest/globals';

import { ModelStateError } from '../../lib/common/errors.js';
import { Model } from '../../lib/models/model.js';
import { FakeNativeModel } from '../support/native-model.js';
import { standing } from '../support/settled.js';

function make(): { native: FakeNativeModel; model: Model } {
  const native = new FakeNativeModel();
  return { native, model: new Model('m', new Map(), native) };
}

describe('a lease', () => {
  test('keeps the model from being freed until it is released', async () => {
    const { native, model } = make();
    const [first, second] = [model.acquire(), model.acquire()];
    const unloading = model.unload();
    expect(model.state).toBe('draining');
    first.release();
    expect(await standing(unloading)).toBe('pending');
    expect(native.releases).toHaveLength(0);
    second.release();
    expect(model.state).toBe('releasing');
    native.latest.settles('done');
    expect(await unloading).toMatchObject({ status: 'unloaded', drainedLeases: 2 });
  });

  test('counts once, however often it is released', async () => {
    const { native, model } = make();
    const [first, second] = [model.acquire(), model.acquire()];
    first.release();
    first.release();
    first[Symbol.dispose]();
    const unloading = model.unload();
    expect(model.state).toBe('draining');
    second[Symbol.dispose]();
    expect(model.state).toBe('releasing');
    native.latest.settles('done');
    expect(await unloading).toMatchObject({ drainedLeases: 1 });
  });

  test('that was released before the unload is not waited for', async () => {
    const { native, model } = make();
    model.acquire().release();
    const unloading = model.unload();
    native.latest.settles('done');
    expect(await unloading).toMatchObject({ drainedLeases: 0 });
  });
});

describe('a lease is refused', () => {
  const refused = (model: Model): void => {
    const { state } = model;
    const acquire = (): unknown => model.acquire();
    expect(acquire).toThrow(ModelStateError);
    expect(acquire).toThrow(
      expect.objectContaining({
        code: 'ERR_MODEL_STATE',
        state,
        message: `Expected the model m to be loaded, it is ${state}`,
      }),
    );
  };

  test('while the model drains, while it is released, and after', async () => {
    const { native, model } = make();
    const lease = model.acquire();
    const unloading = model.unload();
    refused(model);
    lease.release();
    refused(model);
    native.latest.settles('done');
    refused(model);
    await unloading;
    expect(model.state).toBe('unloaded');
  });

  test('by a model that was interrupted, is stuck, or is lost', async () => {
    const { native, model } = make();
    const controller = new AbortController();
    const unloading = model.unload({ signal: controller.signal });
    native.latest.frees(40);
    controller.abort();
    native.latest.settles('stuck');
    await expect(unloading).rejects.toThrow('stuck inside a CUDA call');
    expect(model.state).toBe('stuck');
    refused(model);
    native.latest.returns();
    expect(model.state).toBe('interrupted');
    refused(model);
    const again = model.unload();
    native.lost = true;
    native.latest.settles('failed', { failure: { kind: 'internal', message: 'x' } });
    await expect(again).rejects.toThrow('x');
    expect(model.state).toBe('lost');
    refused(model);
  });
});

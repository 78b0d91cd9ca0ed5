/** An unload that ends while it waits for leases: nothing was freed, the model is as it was. */

import { expect, test } from '@jest/globals';

import { AbortError, TimeoutError } from '../../lib/common/errors.js';
import { Model, type UnloadOptions } from '../../lib/models/model.js';
import { FakeNativeModel } from '../support/native-model.js';
import { errorOf } from '../support/settled.js';

function leased(): { native: FakeNativeModel; model: Model } {
  const native = new FakeNativeModel();
  const model = new Model('m', new Map(), native);
  model.acquire();
  return { native, model };
}

const BALANCE = { freedBytes: 0, remainingBytes: 100 };

test('an abort leaves the model loaded and admits leases again', async () => {
  const { native, model } = leased();
  const controller = new AbortController();
  const unloading = model.unload({ signal: controller.signal });
  controller.abort('why');
  const error = await errorOf(unloading);
  expect(error).toBeInstanceOf(AbortError);
  expect(error).toMatchObject({
    ...BALANCE,
    code: 'ABORT_ERR',
    cause: 'why',
    message: 'The unload of m was aborted while draining, with 1 leases held',
  });
  expect(model.state).toBe('loaded');
  model.acquire().release();
  expect(native.releases).toHaveLength(0);
});

test.each<[string, UnloadOptions]>([
  ['timeoutMs', { timeoutMs: 20 }],
  ['drainMs', { drainMs: 20 }],
  ['drainMs within timeoutMs', { drainMs: 20, timeoutMs: 5000 }],
  ['timeoutMs within drainMs', { drainMs: 5000, timeoutMs: 20 }],
])('%s leaves the model loaded and admits leases again', async (_, options) => {
  const { native, model } = leased();
  const error = await errorOf(model.unload(options));
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error).toMatchObject({
    ...BALANCE,
    code: 'ERR_TIMEOUT',
    message:
      'Expected the unload of m to end within 20 ms, it was still draining, with 1 leases held',
  });
  expect(model.state).toBe('loaded');
  model.acquire().release();
  expect(native.releases).toHaveLength(0);
});

test('drainMs does not limit the release', async () => {
  const native = new FakeNativeModel();
  const model = new Model('m', new Map(), native);
  const unloading = model.unload({ drainMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(native.latest.cancelled).toBe(false);
  native.latest.settles('done');
  expect(await unloading).toMatchObject({ status: 'unloaded' });
});

test('drainMs counts from when the draining begins, not while a stuck call is waited for', async () => {
  const native = new FakeNativeModel();
  const model = new Model('m', new Map(), native);
  const controller = new AbortController();
  const first = model.unload({ signal: controller.signal });
  controller.abort();
  native.latest.settles('stuck');
  await errorOf(first);
  const second = model.unload({ drainMs: 1 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  native.latest.returns();
  await Promise.resolve();
  native.latest.settles('done');
  expect(await second).toMatchObject({ status: 'unloaded' });
});

test('a later unload waits for the lease that is still held', async () => {
  const native = new FakeNativeModel();
  const model = new Model('m', new Map(), native);
  const lease = model.acquire();
  await errorOf(model.unload({ drainMs: 5 }));
  const unloading = model.unload();
  expect(model.state).toBe('draining');
  lease.release();
  native.latest.settles('done');
  expect(await unloading).toMatchObject({ drainedLeases: 1, freedBytes: 100 });
});

test('a lease released after the abort does not begin a release', async () => {
  const native = new FakeNativeModel();
  const model = new Model('m', new Map(), native);
  const lease = model.acquire();
  const controller = new AbortController();
  const unloading = model.unload({ signal: controller.signal });
  controller.abort();
  await errorOf(unloading);
  lease.release();
  expect(native.releases).toHaveLength(0);
  expect(model.state).toBe('loaded');
});

test.each([0, 1])(
  'a listener that aborts at the first progress, with %i leases held',
  async (held) => {
    const native = new FakeNativeModel();
    const model = new Model('m', new Map(), native);
    if (held > 0) model.acquire();
    const controller = new AbortController();
    const unloading = model.unload({
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === 'draining') controller.abort();
      },
    });
    expect(await errorOf(unloading)).toMatchObject({ code: 'ABORT_ERR', ...BALANCE });
    expect(model.state).toBe('loaded');
    expect(native.releases).toHaveLength(0);
  },
);

test('a signal that has aborted changes nothing', async () => {
  const { model } = leased();
  const error = await errorOf(model.unload({ signal: AbortSignal.abort('before') }));
  expect(error).toBeInstanceOf(AbortError);
  expect(error).toMatchObject({ ...BALANCE, cause: 'before' });
  expect(model.state).toBe('loaded');
});

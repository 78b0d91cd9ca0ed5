/** Callers of `unload()` share one run: each leaves for itself, and the last one ends it. */

import { describe, expect, jest, test } from '@jest/globals';

import type { NativeFailure } from '../../lib/native/addon.js';
import { Model } from '../../lib/models/model.js';
import { FakeNativeModel } from '../support/native-model.js';
import { errorOf, standing } from '../support/settled.js';

function make(): { native: FakeNativeModel; model: Model } {
  const native = new FakeNativeModel();
  return { native, model: new Model('m', new Map(), native) };
}

describe('two callers', () => {
  test('get the result of one release', async () => {
    const { native, model } = make();
    const callers = [model.unload(), model.unload()];
    expect(native.releases).toHaveLength(1);
    native.latest.settles('done');
    const [first, second] = await Promise.all(callers);
    expect(first).toEqual(second);
    expect(first).toMatchObject({ name: 'm', status: 'unloaded', freedBytes: 100 });
  });

  test('one leaves, with the balance of that moment; the other gets the result', async () => {
    const { native, model } = make();
    const controller = new AbortController();
    const leaving = model.unload({ signal: controller.signal });
    const staying = model.unload();
    native.latest.frees(30);
    controller.abort('gone');
    expect(await errorOf(leaving)).toMatchObject({
      code: 'ABORT_ERR',
      cause: 'gone',
      freedBytes: 30,
      remainingBytes: 70,
      message: 'The unload of m was aborted while releasing, with 30 of 100 bytes freed',
    });
    expect(native.latest.cancelled).toBe(false);
    expect(await standing(staying)).toBe('pending');
    native.latest.settles('done');
    expect(await staying).toMatchObject({ status: 'unloaded' });
  });

  test('one runs out of time, the other gets the result', async () => {
    const { native, model } = make();
    const hasty = model.unload({ timeoutMs: 10 });
    const patient = model.unload();
    expect(await errorOf(hasty)).toMatchObject({ code: 'ERR_TIMEOUT', freedBytes: 0 });
    expect(native.latest.cancelled).toBe(false);
    native.latest.settles('done');
    expect(await patient).toMatchObject({ status: 'unloaded' });
  });

  test('both leave: the run is cancelled by the last, each rejects for its own reason', async () => {
    const { native, model } = make();
    const controllers = [new AbortController(), new AbortController()] as const;
    const callers = controllers.map(({ signal }) => model.unload({ signal }));
    controllers[0].abort('first');
    expect(native.latest.cancelled).toBe(false);
    controllers[1].abort('last');
    expect(native.latest.cancelled).toBe(true);
    native.latest.frees(10);
    native.latest.settles('interrupted');
    const errors = await Promise.all(callers.map((caller) => errorOf(caller)));
    expect(errors).toMatchObject([
      { cause: 'first', freedBytes: 0 },
      { cause: 'last', freedBytes: 10, remainingBytes: 90 },
    ]);
    expect(model.state).toBe('interrupted');
  });

  test('both get the error of a failed release', async () => {
    const { native, model } = make();
    const callers = [model.unload(), model.unload()];
    const failure: NativeFailure = {
      kind: 'cuda',
      message: 'cudaFreeAsync failed',
      cudaCode: 1,
      cudaName: 'cudaErrorInvalidValue',
      call: 'cudaFreeAsync',
      device: 0,
      sticky: false,
    };
    native.latest.frees(60);
    native.latest.settles('failed', { failure });
    for (const caller of callers) {
      expect(await errorOf(caller)).toMatchObject({
        code: 'ERR_UNLOAD',
        phase: 'releasing',
        freedBytes: 60,
        remainingBytes: 40,
        message: 'The unload of m failed while releasing: cudaFreeAsync failed',
        cause: { code: 'ERR_CUDA', cudaName: 'cudaErrorInvalidValue' },
      });
    }
    expect(model.state).toBe('interrupted');
  });

  test('who had given up gets the result when the release was done all the same', async () => {
    const { native, model } = make();
    const controller = new AbortController();
    const caller = model.unload({ signal: controller.signal });
    controller.abort();
    native.latest.settles('done');
    expect(await caller).toMatchObject({ status: 'unloaded', freedBytes: 100 });
    expect(model.state).toBe('unloaded');
  });
});

describe('a caller who comes after the run was cancelled', () => {
  async function cancelled(): Promise<{ native: FakeNativeModel; model: Model }> {
    const { native, model } = make();
    const controller = new AbortController();
    const first = model.unload({ signal: controller.signal });
    controller.abort();
    native.latest.frees(25);
    void first.catch(() => undefined);
    return Promise.resolve({ native, model });
  }

  test('waits for it to come back, and frees exactly the rest', async () => {
    const { native, model } = await cancelled();
    const second = model.unload();
    expect(native.releases).toHaveLength(1);
    native.latest.settles('interrupted');
    await new Promise(setImmediate);
    expect(native.releases).toHaveLength(2);
    native.latest.settles('done');
    expect(await second).toMatchObject({ status: 'unloaded', freedBytes: 75 });
  });

  test('has nothing to do when it was done all the same', async () => {
    const { native, model } = await cancelled();
    const second = model.unload();
    native.latest.settles('done');
    expect(await second).toMatchObject({ status: 'already-unloaded', freedBytes: 0 });
    expect(native.releases).toHaveLength(1);
  });

  test('waits for a stuck call, and can give up waiting', async () => {
    const { native, model } = await cancelled();
    native.latest.settles('stuck');
    expect(await errorOf(model.unload({ timeoutMs: 10 }))).toMatchObject({
      code: 'ERR_TIMEOUT',
      freedBytes: 25,
      remainingBytes: 75,
      message: expect.stringContaining('waiting for a CUDA call of the unload before it'),
    });
    expect(model.state).toBe('stuck');
    const third = model.unload();
    native.latest.returns();
    expect(model.state).toBe('interrupted');
    await new Promise(setImmediate);
    native.latest.settles('done');
    expect(await third).toMatchObject({ freedBytes: 75 });
  });

  test('has nothing to do when the stuck call was the last one', async () => {
    const { native, model } = await cancelled();
    native.latest.settles('stuck');
    native.freedBytes = native.bytes;
    native.latest.returns();
    expect(model.state).toBe('unloaded');
    expect(await model.unload()).toMatchObject({ status: 'already-unloaded' });
  });
});

test('an unloaded model answers at once', async () => {
  const { native, model } = make();
  const first = model.unload();
  native.latest.settles('done');
  await first;
  expect(await model.unload()).toEqual({
    name: 'm',
    status: 'already-unloaded',
    freedBytes: 0,
    tensors: 0,
    durationMs: 0,
    drainedLeases: 0,
    memory: { before: undefined, after: undefined, verified: 'unverifiable' },
  });
  expect(native.releases).toHaveLength(1);
});

test('each caller has its own progress, and one that throws disturbs nobody', async () => {
  const { native, model } = make();
  const warn = jest.spyOn(process, 'emitWarning').mockReturnValue();
  const seen: unknown[] = [];
  const first = model.unload({
    onProgress: () => {
      throw new Error('a listener of the user');
    },
  });
  const second = model.unload({ onProgress: (progress) => seen.push(progress) });
  native.latest.frees(40);
  native.latest.settles('done');
  await Promise.all([first, second]);
  expect(seen).toEqual([
    { phase: 'releasing', freedBytes: 40, totalBytes: 100, leases: 0 },
    { phase: 'releasing', freedBytes: 100, totalBytes: 100, leases: 0 },
  ]);
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('a listener of the user'));
  warn.mockRestore();
});

describe('memory', () => {
  const reading = (allocated: number) => ({ free: 0, total: 0, reserved: 0, allocated });
  const before = reading(1000);

  test.each([
    ['as much less as was freed', { before, after: reading(900) }, true],
    ['more than that, in whole blocks', { before, after: reading(488) }, true],
    ['too little', { before, after: reading(901) }, false],
    ['not alone on the device', { before, after: reading(900), exclusive: false }, 'unverifiable'],
    ['no reading before', { after: reading(900) }, 'unverifiable'],
    ['no reading after', { before }, 'unverifiable'],
  ])('%s', async (_, settlement, verified) => {
    const { native, model } = make();
    const unloading = model.unload();
    native.latest.settles('done', settlement);
    const { memory } = await unloading;
    expect(memory.verified).toBe(verified);
  });
});

/** A sticky error: the device is lost, everything on it says so, and the other devices go on. */

import { beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type SimulatedEnd } from '../support/simulated.js';

type Answer = Readonly<Record<string, unknown>>;

interface Told {
  readonly first: Answer;
  readonly later: Readonly<Record<string, Answer>>;
  readonly state: string;
  readonly unloadAgain: Answer;
  readonly lease: Answer;
  readonly stats: Answer;
  readonly resetPeaks: Answer;
  readonly otherDevice: Answer;
}

const LOSS = {
  name: 'CudaError',
  code: 'ERR_CUDA',
  cudaCode: 719,
  cudaName: 'cudaErrorLaunchFailure',
  call: 'cudaDeviceSynchronize',
  device: 0,
  sticky: true,
};

let end: SimulatedEnd<Told>;

beforeAll(async () => {
  const path = join(makeFolder(), 'model.safetensors');
  await writeSafetensors(path, [{ name: 'a', dtype: 'U8', shape: [4096] }]);
  end = await runSimulated<Told>('cuda-sticky.mjs', {
    devices: 2,
    faults: 'cudaDeviceSynchronize@0=sticky:719',
    args: [path],
  });
});

test('the process ends by itself', () => {
  expect(end).toMatchObject({ code: 0, signal: null });
});

test('the call that meets the error throws it as sticky', () => {
  expect(end.told.first).toMatchObject({ error: LOSS });
  expect(end.ledgerAt('lost').devices[0]?.stickyError).toBe(719);
});

test.each(['synchronize', 'emptyCache', 'memGetInfo', 'load'])(
  'a later %s fails with the same',
  (call) => {
    expect(end.told.later[call]).toMatchObject({ error: LOSS });
  },
);

test('a model on it is lost when it is unloaded, and frees nothing', () => {
  const failed = { name: 'UnloadError', phase: 'releasing', freedBytes: 0, remainingBytes: 4096 };
  expect(end.told.later.unload).toMatchObject({ error: { ...failed, cause: LOSS } });
  expect(end.told.state).toBe('lost');
  expect(end.told.unloadAgain).toMatchObject({
    error: { ...failed, message: expect.stringContaining('only the end of the process frees') },
  });
  expect(end.told.lease).toMatchObject({ error: { code: 'ERR_MODEL_STATE', state: 'lost' } });
});

test('the counters still answer', () => {
  expect(end.told.stats).toEqual({ value: 1 });
  expect(end.told.resetPeaks).toEqual({});
});

test('the other device works', () => {
  expect(end.told.otherDevice).toMatchObject({ value: 'loaded' });
});

test('no call reached the lost device after its loss', () => {
  const [before, after] = [end.ledgerAt('lost').devices[0], end.ledger.devices[0]];
  expect(after).toEqual(before);
});

/** resetDevice: refused while a model is on the device; then the device is as before its first use. */

import { beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type SimulatedEnd } from '../support/simulated.js';

let end: SimulatedEnd<Readonly<Record<string, unknown>>>;

beforeAll(async () => {
  const path = join(makeFolder(), 'model.safetensors');
  const tensors = ['a', 'b'].map((name) => ({ name, dtype: 'U8', shape: [4096] }) as const);
  await writeSafetensors(path, tensors);
  end = await runSimulated('cuda-reset.mjs', { args: [path] });
});

test('the process ends by itself', () => {
  expect(end).toMatchObject({ code: 0, signal: null });
});

test('does nothing on a device without a context', () => {
  expect(end.told.unused).not.toHaveProperty('error');
  expect(end.ledgerAt('unused').devices[0]?.contextActive).toBe(false);
});

test('is refused while a model is on the device', () => {
  expect(end.told.inUse).toMatchObject({
    error: {
      name: 'ModelStateError',
      code: 'ERR_MODEL_STATE',
      message:
        'Expected no model on device 0 when it is reset, got 2 tensors there: unload them first',
    },
  });
  expect(end.ledgerAt('inUse').devices[0]).toMatchObject({
    contextActive: true,
    liveAllocations: 2,
  });
});

test('ends the context and everything in it', () => {
  expect(end.told.free).not.toHaveProperty('error');
  expect(end.ledgerAt('free').devices[0]).toMatchObject({
    contextActive: false,
    reservedBytes: 0,
    liveStreams: 0,
    liveEvents: 0,
  });
});

test('leaves a device that can be used again', () => {
  expect(end.told.next).toMatchObject({ value: { status: 'unloaded', tensors: 2 } });
  expect(end.ledger.devices[0]).toMatchObject({ usedBytes: 0, invalidFrees: 0 });
});

/** What a shutdown's report says of the devices, before and after. */

import { beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';

import type { ReportedDevice } from '../../lib/index.js';
import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated } from '../support/simulated.js';

interface Told {
  readonly devices: readonly ReportedDevice[];
  readonly exitCode: number;
}

const path = join(makeFolder(), 'model.safetensors');

beforeAll(async () => {
  await writeSafetensors(path, [{ name: 'large', dtype: 'F32', shape: [1024, 1024] }]);
});

test('the memory of the pool, the device and the process', async () => {
  const { told } = await runSimulated<Told>('measured-shutdown.mjs', { args: [path] });
  const [device] = told.devices;
  expect(told.exitCode).toBe(0);
  expect(device?.before?.allocated).toBe(4 * 2 ** 20);
  expect(device?.before?.process).toMatchObject({ source: 'device-delta' });
  expect(device?.before?.process?.bytes).toBeGreaterThanOrEqual(4 * 2 ** 20);
  expect(device?.after).toMatchObject({
    allocated: 0,
    reserved: 0,
    process: { bytes: 0, source: 'device-delta' },
  });
});

test('a device that hangs while it is read is reported without memory', async () => {
  const { told } = await runSimulated<Told>('measured-shutdown.mjs', {
    args: [path],
    // Loading has read it before.
    faults: 'cudaMemGetInfo#2=hang,cudaMemGetInfo#3=hang',
  });
  expect(told.exitCode).toBe(0);
  expect(told.devices[0]?.before).toBeUndefined();
});

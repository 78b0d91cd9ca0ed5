/** A service on the device under test is told to stop. */

import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { Child } from '../support/child.js';
import { makeFolder, readReport } from '../support/folder.js';
import { onDevice, processesIn, processesOnDevices, testBackend } from '../support/on-device.js';
import { writeSafetensors } from '../support/safetensors.js';

const BYTES = 64 * 2 ** 20;

test('its report tells what the device gave back, and the driver knows the process no more', async () => {
  const folder = makeFolder();
  const path = join(folder, 'model.safetensors');
  const data = randomBytes(BYTES);
  await writeSafetensors(path, [{ name: 'a', dtype: 'U8', shape: [BYTES], data }]);

  const child = new Child('model-service.mjs', onDevice({ args: [path, folder] }));
  await child.saw('ready\n');
  const { pid = NaN } = child.process;
  child.signal('SIGTERM');
  expect(await child.end).toMatchObject({ code: 0, signal: null });

  const report = readReport(folder);
  expect(report).toMatchObject({ outcome: 'clean', exitCode: 0, backend: testBackend, errors: [] });
  expect(report.models).toContainEqual(
    expect.objectContaining({ name: 'model', status: 'unloaded', freedBytes: BYTES }),
  );
  const [device, ...others] = report.devices;
  expect(others).toEqual([]);
  expect(device?.before?.allocated).toBeGreaterThanOrEqual(BYTES);
  expect(device?.before?.process?.bytes).toBeGreaterThanOrEqual(BYTES);
  expect(device?.after).toMatchObject({ allocated: 0, reserved: 0 });
  expect(processesOnDevices() ?? []).not.toContain(pid);
});

test('the list of the driver is read as it prints it, with numbers and without', () => {
  expect(processesIn('1234\n[N/A]\n77\n')).toEqual([1234, 77]);
  expect(processesIn('No running processes found\n')).toEqual([]);
});

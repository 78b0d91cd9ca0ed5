/** `cuda-shutdown/testing`, as the tests of a service use it. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { readLedger } from '../../lib/testing/ledger.js';
import { simulatedEnvironment } from '../../lib/testing/simulation.js';
import { type ChildEnd, runChild } from '../support/child.js';
import { makeFolder } from '../support/folder.js';
import { toldBy } from '../support/simulated.js';

const folder = makeFolder();

describe('simulateCuda', () => {
  let end: ChildEnd;
  let told: Record<string, unknown>;

  beforeAll(async () => {
    end = await runChild('simulates.mjs');
    told = toldBy(end) as typeof told;
  });

  test('leaves the process well', () => {
    expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('refuses wrong options, and changes nothing', () => {
    expect(told.wrong).toEqual([
      'Expected the `devices` option to be an integer from 0 to 64, got `65` (number)',
      'Expected the `devices` option to be an integer from 0 to 64, got `2` (string)',
      'Expected the `memory` option to be a positive number of bytes, or a text as `16GiB`, got `0` (number)',
      expect.stringMatching(/to be a positive number of bytes, or of KiB.*, got `much`$/),
      expect.stringMatching(/to be faults of runtime functions .*, got `cudaNothing=hang`$/),
      'Expected each fault to be a text as `cudaFreeAsync#3=hang`, got `1` (number)',
      'Expected the option name to be one of devices, memory, faults, ledger, got `device` (string)',
    ]);
    expect(told.untouched).toEqual({ backend: 'simulated', devices: 1 });
  });

  test('has the devices that were asked for, and knows what they hold', () => {
    expect(told.two).toEqual({ backend: 'simulated', devices: 2 });
    expect(told.loaded).toMatchObject({ usedBytes: 8192, liveAllocations: 8, totalFrees: 0 });
    expect(told.freed).toMatchObject({ usedBytes: 0, liveAllocations: 0, totalFrees: 8 });
  });

  test('does not begin anew while there is a model', () => {
    expect(told.whileLoaded).toMatchObject({
      error: {
        message: 'Expected no model when the runtime begins anew, got 1: unload them first',
      },
    });
  });

  test('shows an unload that hangs, and lets it go on', () => {
    expect(told).toMatchObject({
      frees: 3,
      hung: { error: { name: 'TimeoutError', freedBytes: 2048, remainingBytes: 6144 } },
      stuck: 'stuck',
      again: { value: { status: 'unloaded' } },
    });
  });

  test('begins anew with other devices, faults and counts, as often as wanted', () => {
    expect(told.anew).toMatchObject({
      devices: 1,
      calls: 0,
      ledger: { devices: [{ totalAllocations: 0, reservedBytes: 0, contextActive: false }] },
    });
    expect(told.failed).toMatchObject({ error: { cudaName: 'cudaErrorMemoryAllocation' } });
    const each = { usedBytes: 0, totalAllocations: 8, totalFrees: 8, invalidFrees: 0 };
    expect(told.rounds).toMatchObject({ devices: 3, ledger: { devices: [each, each, each] } });
    expect(told.threadsEnd).toBe('ended');
    expect(told.none).toEqual({ backend: 'simulated', devices: 0 });
  });

  test('comes first', async () => {
    expect(told.early).toMatchObject({
      error: { message: 'Expected simulateCuda() to be called first' },
    });
    const late = toldBy(await runChild('simulates-too-late.mjs'));
    expect(late).toMatchObject({
      late: { error: { message: expect.stringMatching(/was chosen as `auto`$/) as unknown } },
    });
  });
});

test('waitForCall ends by the call, the time, the signal, and for a wrong name', async () => {
  const end = await runChild('simulates.mjs');
  expect(toldBy(end)).toMatchObject({
    inVain: {
      error: {
        name: 'TimeoutError',
        message: expect.stringMatching(/^cudaFreeAsync was called 8 times/) as unknown,
      },
    },
    aborted: { error: { message: 'enough' } },
    unknown: { error: { name: 'RangeError' } },
  });
});

test('the environment makes a process simulated, whose ledger outlives it', async () => {
  const ledger = join(folder, 'ledger');
  const env = simulatedEnvironment({ devices: 2, faults: ['cudaFreeAsync#2=hang'], ledger });
  const end = await runChild('testing-hangs.mjs', {
    env: { ...(env as Record<string, string>), NODE_OPTIONS: '' },
  });
  expect(end).toMatchObject({ code: null, signal: 'SIGKILL' });
  const { devices, totalCalls } = readLedger(ledger);
  expect(totalCalls).toBeGreaterThan(10);
  expect(devices).toHaveLength(2);
  expect(devices[0]).toMatchObject({ liveAllocations: 7, totalFrees: 1 });
});

test('a file that is no ledger is refused', () => {
  expect(() => readLedger(join(import.meta.dirname, 'testing.test.ts'))).toThrow(
    /^Expected the file to be a ledger of version 1, got/,
  );
});

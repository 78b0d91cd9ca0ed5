/** What the memory of the process proves about a disposal. */

import { expect, test } from '@jest/globals';

import { compare, type Footprint } from '../../../lib/runtimes/footprint.js';
import { runSimulated } from '../../support/simulated.js';

function held(bytes?: number, source: 'nvml' | 'device-delta' = 'nvml'): Footprint {
  return { rss: 1, process: bytes === undefined ? undefined : { bytes, source } };
}

test.each([
  ['all of it came back', 100, held(150), held(50), true],
  ['nine tenths came back', 100, held(150), held(60), true],
  ['less came back', 100, held(150), held(61), false],
  [
    'less came back, and others count',
    100,
    held(150, 'device-delta'),
    held(61, 'device-delta'),
    'unverifiable',
  ],
  [
    'all came back, and others count',
    100,
    held(150, 'device-delta'),
    held(50, 'device-delta'),
    true,
  ],
  ['the readings have two sources', 100, held(150), held(50, 'device-delta'), 'unverifiable'],
  ['nothing is known before', 100, held(), held(50), 'unverifiable'],
  ['nothing is known after', 100, held(150), held(), 'unverifiable'],
  ['the bytes are not known', 0, held(150), held(50), 'unverifiable'],
] as const)('%s', (_, bytes, before, after, verified) => {
  expect(compare(bytes, before, after)).toMatchObject({ rss: { before: 1, after: 1 }, verified });
});

test('without a device there is no reading of one', () => {
  expect(compare(1, held(), held())).not.toHaveProperty('process');
});

const MiB = 2 ** 20;

test('what a disposal gives back of a device is measured, and what it keeps', async () => {
  const end = await runSimulated('runtimes-footprint.mjs');
  expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
  const { givesBack, keeps } = end.told as Record<string, Record<string, unknown>>;
  expect(givesBack).toMatchObject({
    freedBytes: 64 * MiB,
    memory: { verified: true, process: { after: { source: 'device-delta' } } },
  });
  expect(keeps).toMatchObject({ freedBytes: 64 * MiB, memory: { verified: 'unverifiable' } });
});

test('a device that cannot be read keeps no disposal from happening', async () => {
  const end = await runSimulated('runtimes-footprint.mjs', { faults: 'cudaMemGetInfo=hang' });
  expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
  const { keeps } = end.told as Record<string, Record<string, unknown>>;
  expect(keeps).toMatchObject({ status: 'unloaded', memory: { verified: 'unverifiable' } });
  expect(keeps).not.toHaveProperty('memory.process');
});

test('a device that there is not is refused', async () => {
  const end = await runSimulated('runtimes-footprint.mjs', { args: ['cuda:7'] });
  expect(end.told).toMatchObject({
    refused: 'Expected the device to be below 1, their number, got `cuda:7` (string)',
  });
});

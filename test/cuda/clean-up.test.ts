/** emptyCache and synchronize: which devices they touch, and how they fail, end and give up. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type SimulatedEnd, type World } from '../support/simulated.js';

interface Settled {
  readonly ms: number;
  readonly value?: unknown;
  readonly error?: unknown;
}

interface Told extends Settled {
  readonly again?: Settled;
}

interface Situation {
  /** Devices on which a model came and went, so that they have a context and a cache. */
  readonly used: readonly number[];
  readonly call: string;
  readonly device?: number;
  readonly timeoutMs?: number;
  readonly abortMs?: number;
  /** A call without arguments, after the first has settled. */
  readonly again?: string;
}

const path = join(makeFolder(), 'model.safetensors');

beforeAll(() => writeSafetensors(path, [{ name: 'a', dtype: 'U8', shape: [2 ** 20] }]));

async function run(situation: Situation, world: World = {}): Promise<SimulatedEnd<Told>> {
  const args = [JSON.stringify({ path, ...situation })];
  const end = await runSimulated<Told>('cuda-clean-up.mjs', { devices: 3, ...world, args });
  expect(end).toMatchObject({ code: 0, signal: null });
  return end;
}

const contexts = ({ ledger }: SimulatedEnd<Told>): boolean[] =>
  ledger.devices.map(({ contextActive }) => contextActive);

/** How much later than asked a call may give up: 15 ms by design, and the machine may be busy. */
const LATE_MS = 250;

describe('the devices they act on', () => {
  test('are none before a first use: no call creates a context', async () => {
    const end = await runSimulated<readonly string[]>('cuda-untouched.mjs', { devices: 3 });
    expect(end.told.length).toBeGreaterThanOrEqual(10);
    for (const call of end.told) {
      const contexts = end.ledgerAt(call).devices.map(({ contextActive }) => contextActive);
      expect({ call, contexts }).toEqual({ call, contexts: [false, false, false] });
    }
  });

  test.each(['emptyCache', 'synchronize'])(
    '%s() acts on every device in use, and on no other',
    async (call) => {
      const end = await run({ used: [0, 2], call });
      expect(end.told).not.toHaveProperty('error');
      expect(contexts(end)).toEqual([true, false, true]);
    },
  );

  test('emptyCache() sums what the devices gave back', async () => {
    const end = await run({ used: [0, 2], call: 'emptyCache' });
    const reserved = end.ledgerAt('before').devices.map(({ reservedBytes }) => reservedBytes);
    expect(reserved).toEqual([reserved[2], 0, reserved[0]]);
    expect(reserved[0]).toBeGreaterThan(0);
    expect(end.told.value).toEqual({ releasedBytes: 2 * (reserved[0] ?? 0) });
    expect(end.ledger.devices.map(({ reservedBytes }) => reservedBytes)).toEqual([0, 0, 0]);
  });

  test.each(['cudaGetDriverEntryPointByVersion=error:1', 'cuDevicePrimaryCtxGetState=error:1'])(
    'are those that the package has used, where the driver does not tell: %s',
    async (faults) => {
      const end = await run({ used: [0, 2], call: 'emptyCache' }, { faults });
      expect(end.ledger.devices.map(({ reservedBytes }) => reservedBytes)).toEqual([0, 0, 0]);
      expect(contexts(end)).toEqual([true, false, true]);
    },
  );

  test('emptyCache(2) leaves the others as they are', async () => {
    const end = await run({ used: [0, 2], call: 'emptyCache', device: 2 });
    const reserved = end.ledger.devices.map(({ reservedBytes }) => reservedBytes > 0);
    expect(reserved).toEqual([true, false, false]);
  });
});

describe('a device that fails', () => {
  test('does not keep the others, and its error is thrown', async () => {
    const end = await run(
      { used: [0, 1, 2], call: 'emptyCache' },
      { faults: 'cudaMemPoolTrimTo@1=error:1' },
    );
    expect(end.told.error).toEqual({
      name: 'CudaError',
      message:
        'cudaMemPoolTrimTo on device 1 failed with cudaErrorInvalidValue (1): invalid argument',
      code: 'ERR_CUDA',
      cudaCode: 1,
      cudaName: 'cudaErrorInvalidValue',
      call: 'cudaMemPoolTrimTo',
      device: 1,
      sticky: false,
    });
    const reserved = end.ledger.devices.map(({ reservedBytes }) => reservedBytes > 0);
    expect(reserved).toEqual([false, true, false]);
  });

  test('makes an AggregateError with another one', async () => {
    const end = await run(
      { used: [0, 1, 2], call: 'synchronize' },
      { faults: 'cudaDeviceSynchronize@0=error:999,cudaDeviceSynchronize@2=error:1' },
    );
    expect(end.told.error).toMatchObject({
      name: 'AggregateError',
      message: '2 of 3 devices failed',
      errors: [
        { name: 'CudaError', device: 0, cudaName: 'cudaErrorUnknown' },
        { name: 'CudaError', device: 2, cudaName: 'cudaErrorInvalidValue' },
      ],
    });
  });

  test('fails one cache, and the other caches are emptied all the same', async () => {
    const end = await run(
      { used: [0], call: 'emptyCache' },
      { faults: 'cudaDeviceGraphMemTrim=error:999' },
    );
    expect(end.told.error).toMatchObject({ call: 'cudaDeviceGraphMemTrim' });
    expect(end.ledger.devices[0]?.reservedBytes).toBe(0);
  });
});

describe('a device that hangs', () => {
  test.each([
    ['synchronize', 'cudaDeviceSynchronize#1@1=hang'],
    ['emptyCache', 'cudaMemPoolTrimTo#1@1=hang'],
  ])('%s gives up at its limit, and works again on a new thread', async (call, faults) => {
    const end = await run({ used: [0, 1], call, timeoutMs: 200, again: call }, { faults });
    expect(end.told.error).toEqual({
      name: 'TimeoutError',
      code: 'ERR_TIMEOUT',
      message: `Expected cuda.${call} on device 1 to end within 200 ms, it did not; it is stuck inside a CUDA call and was left behind`,
    });
    expect(end.told.ms).toBeGreaterThanOrEqual(199);
    expect(end.told.ms).toBeLessThan(200 + LATE_MS);
    expect(end.told.again).not.toHaveProperty('error');
    expect(end.told.again?.ms).toBeLessThan(LATE_MS);
  });

  test('does not keep the others', async () => {
    const end = await run(
      { used: [0, 1, 2], call: 'emptyCache', timeoutMs: 200 },
      { faults: 'cudaMemPoolTrimTo@1=hang' },
    );
    expect(end.told.error).toMatchObject({ name: 'TimeoutError' });
    const reserved = end.ledgerAt('after').devices.map(({ reservedBytes }) => reservedBytes > 0);
    expect(reserved).toEqual([false, true, false]);
  });

  test('is left behind by an abort, with the reason of the signal', async () => {
    const end = await run(
      { used: [1], call: 'synchronize', abortMs: 100 },
      { faults: 'cudaDeviceSynchronize=hang' },
    );
    expect(end.told.error).toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      message:
        'cuda.synchronize on device 1 was aborted; it is stuck inside a CUDA call and was left behind',
      cause: { message: 'the caller has left' },
    });
    expect(end.told.ms).toBeGreaterThanOrEqual(99);
    expect(end.told.ms).toBeLessThan(100 + LATE_MS);
  });
});

test('a signal that has aborted keeps every device from being asked', async () => {
  const end = await run(
    { used: [0, 1], call: 'emptyCache', abortMs: 0 },
    { faults: 'cudaMemPoolTrimTo=hang' },
  );
  expect(end.told.error).toMatchObject({
    name: 'AbortError',
    cause: { message: 'the caller has left' },
  });
});

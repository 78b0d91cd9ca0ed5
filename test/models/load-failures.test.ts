/** A load that fails or is aborted: a typed error, and the memory is back where it was. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeFolder } from '../support/folder.js';
import type { Ledger } from '../../lib/testing/ledger.js';
import { rawHeader, safetensorsFile, writeSafetensors } from '../support/safetensors.js';
import { runSimulated, type SimulatedEnd, type World } from '../support/simulated.js';

interface Failure {
  readonly name: string;
  readonly message: string;
  readonly ms: number;
  readonly call?: string;
}

interface Told {
  readonly failures: readonly Failure[];
  readonly numOoms: number;
  readonly good: { readonly value?: { readonly status: string }; readonly error?: unknown };
}

const folder = makeFolder();
const in_ = (name: string): string => join(folder, name);
const MIB = 2 ** 20;

beforeAll(async () => {
  const tensors = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, index) => {
      return { name: `t${index}`, dtype: 'U8', shape: [bytes] } as const;
    });
  await writeSafetensors(in_('good'), tensors(3, 1000));
  await writeSafetensors(in_('large'), tensors(16, MIB));
  const whole = safetensorsFile(tensors(3, 1000));
  writeFileSync(in_('cut'), whole.subarray(0, whole.length - 1));
  writeFileSync(
    in_('hostile'),
    rawHeader('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}', 8),
  );
  writeFileSync(in_('huge header'), Buffer.from('ffffffffffffffff', 'hex'));
  writeFileSync(in_('nothing'), '');
});

async function load(situation: object, world: World = {}): Promise<SimulatedEnd<Told>> {
  const args = [JSON.stringify({ goodPath: in_('good'), ...situation })];
  const end = await runSimulated<Told>('models-load-fails.mjs', { ...world, args });
  expect(end).toMatchObject({ code: 0, signal: null });
  return end;
}

const NOTHING_HELD = {
  usedBytes: 0,
  liveAllocations: 0,
  invalidFrees: 0,
  liveStreams: 0,
  liveEvents: 0,
};

function expectNothingHeld(ledger: Ledger): void {
  expect(ledger.devices[0]).toMatchObject(NOTHING_HELD);
  expect(ledger.pinnedHostBytes).toBe(0);
}

describe('a file that cannot be loaded', () => {
  test.each([
    ['missing', { code: 'ENOENT', syscall: 'open' }],
    ['.', { code: 'EISDIR' }],
    ['cut', { name: 'SafetensorsError', reason: 'MetadataIncompleteBuffer' }],
    ['hostile', { name: 'SafetensorsError', reason: 'TensorInvalidInfo' }],
    ['huge header', { name: 'SafetensorsError', reason: 'HeaderTooLarge' }],
    ['nothing', { name: 'SafetensorsError', reason: 'HeaderTooSmall' }],
  ])('%s: no memory is taken', async (name, error) => {
    const { told, ledger } = await load({ path: in_(name) });
    expect(told.failures).toMatchObject([error]);
    expect(told.good.value).toMatchObject({ status: 'unloaded' });
    expect(ledger.devices[0]?.totalAllocations).toBe(3);
    expectNothingHeld(ledger);
  });
});

test('a device that becomes full: the error says so, and everything is given back', async () => {
  const end = await load({ path: in_('large') }, { memory: '10MiB' });
  expect(end.told.failures).toMatchObject([
    {
      name: 'CudaError',
      cudaName: 'cudaErrorMemoryAllocation',
      call: 'cudaMallocFromPoolAsync',
      device: 0,
      sticky: false,
    },
  ]);
  expect(end.told.numOoms).toBe(1);
  expect(end.ledger.devices[0]?.peakUsedBytes).toBeGreaterThanOrEqual(5 * MIB);
  expectNothingHeld(end.ledgerAt('1'));
  expect(end.told.good.value).toMatchObject({ status: 'unloaded' });
});

describe('an abort', () => {
  const ABORTED = { name: 'AbortError', code: 'ABORT_ERR', cause: { thrown: 'enough' } };

  test.each(['before', 'at once'])('%s takes no memory', async (abort) => {
    const { told, ledger } = await load({ path: in_('large'), abort });
    expect(told.failures).toMatchObject([ABORTED]);
    expect(ledger.devices[0]?.totalAllocations).toBe(3);
  });

  test('in the middle ends it soon, and everything is given back', async () => {
    const end = await load(
      { path: in_('large'), abort: 'at progress' },
      { faults: 'cudaMemcpyAsync=slow:100' },
    );
    expect(end.told.failures).toMatchObject([ABORTED]);
    // The first four pieces take 400 ms, all 16 would have taken 1,600.
    expect(end.told.failures[0]?.ms).toBeLessThan(1200);
    expect(end.ledgerAt('aborted').devices[0]?.usedBytes).toBe(16 * MIB);
    expect(end.told.good.value).toMatchObject({ status: 'unloaded' });
    expect(end.ledger.devices[0]).toMatchObject({ usedBytes: 0, totalFrees: 19, invalidFrees: 0 });
  });

  test('in a call that hangs leaves its thread behind, and later loads work', async () => {
    const end = await load(
      { path: in_('large'), abort: 'in the call', blocksOfPath: 16, stays: true },
      { faults: 'cudaMemcpyAsync#1=hang' },
    );
    expect(end.told.failures).toMatchObject([ABORTED]);
    expect(end.told.good.value).toMatchObject({ status: 'unloaded' });
    expect(end.ledger.devices[0]).toMatchObject({ usedBytes: 16 * MIB, invalidFrees: 0 });
  });
});

describe('a timeout', () => {
  const TIMED_OUT = { name: 'TimeoutError', code: 'ERR_TIMEOUT' };

  test('in the middle ends it, and everything is given back', async () => {
    const end = await load(
      { path: in_('large'), timeoutMs: 250 },
      { faults: 'cudaMemcpyAsync=slow:100' },
    );
    expect(end.told.failures).toMatchObject([TIMED_OUT]);
    expect(end.told.good.value).toMatchObject({ status: 'unloaded' });
    expectNothingHeld(end.ledger);
  });

  test('in a call that hangs says that it is stuck', async () => {
    const end = await load(
      { path: in_('large'), timeoutMs: 250, stays: true },
      { faults: 'cudaMemcpyAsync#1=hang' },
    );
    expect(end.told.failures).toMatchObject([
      {
        ...TIMED_OUT,
        message: expect.stringMatching(
          /within 250 ms, it did not; it is stuck inside a CUDA call or a read of the file/,
        ),
      },
    ]);
    expect(end.told.good.value).toMatchObject({ status: 'unloaded' });
  });
});

/** Every CUDA call of a load. Each fails once, so one load after the other fails, until one does not. */
const CALLS = [
  'cudaSetDevice',
  'cudaMemGetInfo',
  'cudaMemPoolCreate',
  'cudaMemPoolSetAttribute',
  'cudaStreamCreateWithFlags',
  'cudaEventCreateWithFlags',
  'cudaMallocFromPoolAsync',
  'cudaHostAlloc',
  'cudaMemcpyAsync',
];

describe('a failure of each CUDA call', () => {
  test('is thrown with the name of the call, and everything is given back', async () => {
    const end = await load(
      { path: in_('large'), attempts: 2 * CALLS.length },
      { faults: CALLS.map((call) => `${call}#1=error:999`).join(',') },
    );
    const { failures, good } = end.told;
    for (const failure of failures) {
      expect(failure).toMatchObject({ name: 'CudaError', cudaName: 'cudaErrorUnknown', device: 0 });
    }
    expect(new Set(failures.map(({ call }) => call))).toEqual(new Set(CALLS));
    for (const attempt of failures.keys()) {
      const ledger = end.ledgerAt(String(attempt + 1));
      expect({
        call: failures[attempt]?.call,
        pinned: ledger.pinnedHostBytes,
        ...ledger.devices[0],
      }).toMatchObject({ call: failures[attempt]?.call, pinned: 0, ...NOTHING_HELD });
    }
    expect(good.value).toMatchObject({ status: 'unloaded' });
    expectNothingHeld(end.ledger);
  });

  test.each([
    'cudaMallocFromPoolAsync#9',
    'cudaMemcpyAsync#9',
    'cudaHostAlloc#2',
    'cudaEventRecord#1',
    'cudaEventRecord#3',
    'cudaEventQuery#2',
  ])('also of a later one: %s', async (call) => {
    const end = await load({ path: in_('large') }, { faults: `${call}=error:999` });
    expect(end.told.failures).toMatchObject([{ name: 'CudaError', call: call.split('#')[0] }]);
    expectNothingHeld(end.ledgerAt('1'));
  });

  /** The fixture waits for it: a model that nobody has is given back in the background. */
  test.each(['cudaFreeAsync', 'cudaEventRecord', 'cudaEventQuery'])(
    'also where %s fails again and again on the way back',
    async (call) => {
      const onTheWay = [1, 2, 3, 4, 5, 6].map((nth) => `${call}#${nth}=error:999`);
      const faults = ['cudaMemcpyAsync#1=error:1', ...onTheWay].join(',');
      const end = await load({ path: in_('large'), attempts: 3 }, { faults });
      expect(end.told.failures[0]).toMatchObject({ name: 'CudaError', call: 'cudaMemcpyAsync' });
      expectNothingHeld(end.ledger);
    },
  );

  test('a sticky one loses the device', async () => {
    const end = await load(
      { path: in_('large'), stays: true },
      { faults: 'cudaMemcpyAsync#9=sticky:700' },
    );
    expect(end.told.failures).toMatchObject([{ name: 'CudaError', sticky: true }]);
    expect(end.told.good.error).toMatchObject({ name: 'CudaError', sticky: true });
  });
});

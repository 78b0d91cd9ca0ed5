/** What may be called a device, in every function that takes one, with none, one and three of them. */

import { describe, expect, test } from '@jest/globals';

import { runChild } from '../support/child.js';
import { withoutDevice } from '../support/no-device.js';
import { runSimulated, toldBy } from '../support/simulated.js';

interface Answer {
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string };
}

interface Told {
  readonly backend: string;
  readonly available: boolean;
  readonly reason?: { readonly code: string; readonly message: string };
  readonly count: number;
  /** By device, then by function. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, Answer>>>>;
}

const FUNCTIONS = [
  'getDeviceProperties',
  'memGetInfo',
  'memoryStats',
  'memoryAllocated',
  'maxMemoryAllocated',
  'memoryReserved',
  'maxMemoryReserved',
  'memorySummary',
  'resetPeakMemoryStats',
  'resetAccumulatedMemoryStats',
  'emptyCache',
  'synchronize',
  'resetDevice',
  'processMemory',
] as const;

const SHAPE = "Expected the device to be an index, 'cuda' or 'cuda:N', got ";
const MALFORMED: readonly [device: string, error: string, got: string][] = [
  ['cuda:x', 'RangeError', '`cuda:x` (string)'],
  ['cuda:01', 'RangeError', '`cuda:01` (string)'],
  ['cuda:-1', 'RangeError', '`cuda:-1` (string)'],
  ['empty', 'RangeError', '`` (string)'],
  ['half', 'RangeError', '`1.5` (number)'],
  ['negative', 'RangeError', '`-1` (number)'],
  ['NaN', 'RangeError', '`NaN` (number)'],
  ['Infinity', 'RangeError', '`Infinity` (number)'],
  ['null', 'TypeError', '`null` (null)'],
  ['object', 'TypeError', '`Object` (object)'],
  ['array', 'TypeError', '`Array(1)` (array)'],
  ['true', 'TypeError', '`true` (boolean)'],
  ['bigint', 'TypeError', '`0n` (bigint)'],
  ['symbol', 'TypeError', '`Symbol(s)` (symbol)'],
];

function errorsOf({ answers }: Told, device: string): Map<string, Answer['error']> {
  return new Map(FUNCTIONS.map((name) => [name, answers[device]?.[name]?.error]));
}

const NO_ERRORS = new Map(FUNCTIONS.map((name) => [name, undefined]));

async function tellOf(devices: number): Promise<Told> {
  const { told } = await runSimulated<Told>('cuda-arguments.mjs', { devices });
  return told;
}

describe.each([1, 3])('with %i simulated devices', (devices) => {
  const asked = tellOf(devices);

  test('they are there, and called simulated', async () => {
    const told = await asked;
    expect(told).toMatchObject({ backend: 'simulated', available: true, count: devices });
    expect(told.reason).toBeUndefined();
  });

  test.each(MALFORMED)('%s is refused by every function', async (device, name, got) => {
    const told = await asked;
    for (const [call, error] of errorsOf(told, device)) {
      expect({ call, ...error }).toEqual({ call, name, message: SHAPE + got });
    }
  });

  test.each(['nothing', 'zero', 'cuda'])('%s is a device', async (device) => {
    expect(errorsOf(await asked, device)).toEqual(NO_ERRORS);
  });

  test.each([
    ['one', '`1` (number)', 1],
    ['cuda:1', '`cuda:1` (string)', 1],
    ['three', '`3` (number)', 3],
    ['cuda:3', '`cuda:3` (string)', 3],
    ['ninety-nine', '`99` (number)', 99],
  ])('%s is a device where there are as many', async (device, got, index) => {
    const told = await asked;
    const message = `Expected the device to be below ${devices}, their number, got ${got}`;
    const expected = index < devices ? undefined : { name: 'RangeError', message };
    expect(errorsOf(told, device)).toEqual(new Map(FUNCTIONS.map((name) => [name, expected])));
  });

  test('it has properties, and memory', async () => {
    const { answers } = await asked;
    expect(answers.zero?.getDeviceProperties?.value).toEqual({
      index: 0,
      name: expect.stringContaining('Simulated'),
      uuid: expect.stringMatching(/^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      pciBusId: expect.stringMatching(/^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.0$/i),
      totalMemory: 16 * 2 ** 30,
      computeCapability: { major: expect.any(Number), minor: expect.any(Number) },
      memoryPoolsSupported: true,
    });
    const memory = answers.zero?.memGetInfo?.value as { free: number; total: number };
    expect(memory.total).toBe(16 * 2 ** 30);
    expect(memory.free).toBeLessThanOrEqual(memory.total);
    expect(memory.free).toBeGreaterThan(0);
  });
});

const none: [world: string, reason: string, told: Promise<Told>][] = [
  ['simulated without devices', 'cudaErrorNoDevice', tellOf(0)],
  [
    'the real runtime without a device',
    withoutDevice.reason,
    runChild('cuda-arguments.mjs', { env: withoutDevice.env }).then((end) => toldBy(end) as Told),
  ],
];

describe.each(none)('%s', (_, reason, asked) => {
  test('there is none, and the reason is given', async () => {
    const told = await asked;
    expect(told).toMatchObject({ available: false, count: 0, reason: { code: reason } });
    expect(told.reason?.message).not.toBe('');
  });

  test.each(MALFORMED)('%s is still refused', async (device, name, got) => {
    const errors = errorsOf(await asked, device);
    errors.delete('getDeviceProperties');
    for (const [call, error] of errors) {
      expect({ call, ...error }).toEqual({ call, name, message: SHAPE + got });
    }
  });

  test.each(['nothing', 'zero', 'ninety-nine', 'cuda:3'])('%s counts zero', async (device) => {
    const { answers } = await asked;
    const of = (name: string): unknown => answers[device]?.[name]?.value;
    expect(of('memGetInfo')).toEqual({ free: 0, total: 0 });
    for (const name of FUNCTIONS.filter((each) =>
      /^(max)?memory(Allocated|Reserved)$/i.test(each),
    )) {
      expect({ name, value: of(name) }).toEqual({ name, value: 0 });
    }
    const zero = { current: 0, peak: 0 };
    expect(of('memoryStats')).toEqual({
      allocation: { all: { ...zero, allocated: 0, freed: 0 } },
      requestedBytes: { all: { ...zero, allocated: 0, freed: 0 } },
      allocatedBytes: { all: zero },
      reservedBytes: { all: zero },
      numOoms: 0,
    });
  });

  test('clean-up succeeds and does nothing', async () => {
    const { answers } = await asked;
    const errors = errorsOf(await asked, 'nothing');
    errors.delete('getDeviceProperties');
    expect([...errors.values()].filter((error) => error !== undefined)).toEqual([]);
    expect(answers.nothing?.emptyCache?.value).toEqual({ releasedBytes: 0 });
    expect(answers.nothing?.processMemory?.value).toBeUndefined();
  });

  test('properties of a device throw CudaUnavailableError', async () => {
    const { answers } = await asked;
    expect(answers.zero?.getDeviceProperties?.error).toMatchObject({
      name: 'CudaUnavailableError',
      code: 'ERR_CUDA_UNAVAILABLE',
      reason,
    });
  });
});

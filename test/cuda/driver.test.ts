/**
 * NVIDIA's own runtime on a machine without a device, by all that a driver may answer when it is opened.
 * Skipped where the addon of the real runtime was not built, because there is no CUDA toolkit.
 */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Child, runChild } from '../support/child.js';
import { type Driver, Drivers, realRuntime } from '../support/driver.js';
import { makeFolder, readReport } from '../support/folder.js';
import { writeSafetensors } from '../support/safetensors.js';
import { toldBy } from '../support/simulated.js';

interface Verdict {
  readonly driver: Driver | 'none';
  readonly code: string;
  /** What the message tells people, after what the runtime says. */
  readonly advice: string;
}

const VERDICTS: readonly (readonly [situation: string, verdict: Verdict])[] = [
  [
    'no driver',
    { driver: 'none', code: 'cudaErrorInsufficientDriver', advice: 'no NVIDIA driver was found' },
  ],
  [
    'a driver for CUDA 11.8',
    {
      driver: { init: 0, version: 11_080 },
      code: 'cudaErrorInsufficientDriver',
      advice: 'the driver is one for CUDA 11.8, this build needs 1',
    },
  ],
  ['no device', { driver: { init: 100 }, code: 'cudaErrorNoDevice', advice: 'nvidia-smi -L' }],
  [
    'a driver that does not start',
    { driver: { init: 3 }, code: 'cudaErrorInitializationError', advice: 'dmesg | grep NVRM' },
  ],
  [
    'an unknown failure',
    { driver: { init: 999 }, code: 'cudaErrorUnknown', advice: 'nvidia-modprobe -u' },
  ],
  [
    "the toolkit's stub",
    { driver: { init: 34 }, code: 'cudaErrorStubLibrary', advice: 'LD_LIBRARY_PATH' },
  ],
  [
    'no fabric manager',
    { driver: { init: 802 }, code: 'cudaErrorSystemNotReady', advice: 'nvidia-fabricmanager' },
  ],
  [
    'a kernel module of another version',
    { driver: { init: 803 }, code: 'cudaErrorSystemDriverMismatch', advice: 'restart the machine' },
  ],
  [
    'a compatibility package for other devices',
    { driver: { init: 804 }, code: 'cudaErrorCompatNotSupportedOnDevice', advice: 'cuda/compat' },
  ],
  [
    'an answer like no other',
    { driver: { init: 805 }, code: 'cudaErrorMpsConnectionFailed', advice: 'nvidia-smi' },
  ],
];

const path = join(makeFolder(), 'tiny.safetensors');
let drivers: Drivers;

beforeAll(async () => {
  if (!realRuntime) return;
  drivers = new Drivers();
  await writeSafetensors(path, [{ name: 'a', dtype: 'F32', shape: [4] }]);
});

interface Answer {
  readonly value?: unknown;
  readonly error?: unknown;
}

async function ask(fixture: string, verdict: Verdict, env = {}): Promise<Record<string, Answer>> {
  const end = await runChild(fixture, {
    args: [path],
    env: { ...drivers.env(verdict.driver), ...env },
  });
  expect(end).toMatchObject({ code: 0, signal: null, stderr: '' });
  return toldBy(end) as Record<string, Answer>;
}

/** A service that gets no model, runs on, and is told to stop. */
async function shutDown(driver: Driver | 'none', env = {}): Promise<unknown> {
  const folder = makeFolder();
  const child = new Child('model-service.mjs', {
    args: [path, folder],
    env: { ...drivers.env(driver), ...env },
  });
  await child.saw('ready\n');
  child.signal('SIGTERM');
  const end = await child.end;
  return { ...end, told: toldBy(end), report: readReport(folder) };
}

function cleanly(code: string): object {
  return {
    code: 0,
    signal: null,
    stderr: '',
    told: {
      load: { error: { name: 'CudaUnavailableError', reason: code } },
      unloaded: ['on the host'],
    },
    report: {
      outcome: 'clean',
      exitCode: 0,
      backend: 'none',
      devices: [],
      errors: [],
      steps: [
        { name: 'models', status: 'ok' },
        { name: 'cuda', status: 'ok', details: { devices: [] } },
      ],
    },
  };
}

// Without a CUDA toolkit there is no addon on NVIDIA's runtime, and nothing that would ask a driver.
const onRealRuntime = realRuntime ? describe : describe.skip;

onRealRuntime.each(VERDICTS)('with %s', (_, verdict) => {
  const { code, advice } = verdict;
  const message = expect.stringMatching(
    new RegExp(`^the CUDA runtime answers ${code} \\(\\d+\\): .+; .*${escaped(advice)}`),
  );

  test('there is none, and the message tells why and what to do', async () => {
    expect(await ask('cuda-backend.mjs', verdict)).toMatchObject({
      backend: { value: 'none' },
      available: { value: false },
      count: { value: 0 },
      reason: { value: { code, message } },
      emptyCache: { value: { releasedBytes: 0 } },
      load: {
        error: { name: 'CudaUnavailableError', code: 'ERR_CUDA_UNAVAILABLE', reason: code },
      },
    });
  });

  test('reads are zeros, and clean-up does nothing and succeeds', async () => {
    const { answers } = await ask('cuda-arguments.mjs', verdict);
    const of = answers as unknown as { nothing: Record<string, Answer> };
    const { getDeviceProperties, memorySummary, memoryStats, ...others } = of.nothing;
    expect(getDeviceProperties).toMatchObject({ error: { reason: code } });
    expect(memorySummary?.value).toContain('Memory of device 0 (none)');
    expect(numbersIn(memoryStats?.value)).toEqual(new Set([0]));
    expect(valuesOf(others)).toEqual({
      memGetInfo: { free: 0, total: 0 },
      memoryAllocated: 0,
      maxMemoryAllocated: 0,
      memoryReserved: 0,
      maxMemoryReserved: 0,
      resetPeakMemoryStats: undefined,
      resetAccumulatedMemoryStats: undefined,
      emptyCache: { releasedBytes: 0 },
      synchronize: undefined,
      resetDevice: undefined,
      processMemory: undefined,
    });
  });

  test('each call of CUDA_SHUTDOWN_BACKEND=cuda is an error that says the same', async () => {
    const told = await ask('cuda-backend.mjs', verdict, { CUDA_SHUTDOWN_BACKEND: 'cuda' });
    for (const [call, { error }] of Object.entries(told)) {
      expect({ call, error }).toMatchObject({
        call,
        error: {
          name: 'CudaUnavailableError',
          code: 'ERR_CUDA_UNAVAILABLE',
          reason: code,
          message: expect.stringMatching(
            new RegExp(`^CUDA_SHUTDOWN_BACKEND is cuda, but the CUDA runtime answers ${code} `),
          ),
        },
      });
    }
  });

  test('a shutdown is clean', async () => {
    expect(await shutDown(verdict.driver)).toMatchObject(cleanly(code));
  });
});

onRealRuntime('with a driver', () => {
  test('that has no device, the message names what may hide it', async () => {
    const verdict = { driver: { init: 100 }, code: 'cudaErrorNoDevice', advice: '' };
    const told = await ask('cuda-backend.mjs', verdict, { CUDA_VISIBLE_DEVICES: '7' });
    expect(told.reason?.value).toMatchObject({
      message: expect.stringContaining('; CUDA_VISIBLE_DEVICES is `7`; see whether'),
    });
  });

  test('that fails, a shutdown of CUDA_SHUTDOWN_BACKEND=cuda is clean', async () => {
    const ended = await shutDown({ init: 999 }, { CUDA_SHUTDOWN_BACKEND: 'cuda' });
    expect(ended).toMatchObject(cleanly('cudaErrorUnknown'));
  });

  test('that never answers, a signal still ends the process', async () => {
    const child = new Child('installs-and-waits.mjs', { env: drivers.env({ init: 'hang' }) });
    await child.saw('cuInit hangs\n');
    child.signal('SIGTERM');
    expect(await child.end).toMatchObject({ code: null, signal: 'SIGTERM' });
  });

  test('that fails, the demo says so and runs on the simulated device', async () => {
    const demo = fileURLToPath(new URL('../../examples/demo.mjs', import.meta.url));
    const env = { ...process.env, ...drivers.env({ init: 999 }) };
    const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
      execFile(process.execPath, [demo], { env }, (error, text) => {
        resolve({ code: error?.code ?? 0, stdout: text });
      });
    });
    expect(stdout).toContain('No GPU here (the CUDA runtime answers cudaErrorUnknown (999)');
    expect(code).toBe(0);
  });
});

function valuesOf(answers: Readonly<Record<string, Answer>>): Record<string, unknown> {
  const errors = Object.entries(answers).filter(([, { error }]) => error !== undefined);
  expect(errors).toEqual([]);
  return Object.fromEntries(Object.entries(answers).map(([name, { value }]) => [name, value]));
}

function numbersIn(value: unknown): Set<unknown> {
  if (typeof value !== 'object' || value === null) return new Set([value]);
  return new Set(Object.values(value).flatMap((each) => [...numbersIn(each)]));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

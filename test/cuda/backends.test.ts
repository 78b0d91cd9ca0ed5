/** CUDA_SHUTDOWN_BACKEND: which runtime answers, and what is said where none does. */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';

import { runChild } from '../support/child.js';
import { makeFolder } from '../support/folder.js';
import { withoutDevice } from '../support/no-device.js';
import { writeSafetensors } from '../support/safetensors.js';
import { toldBy } from '../support/simulated.js';

const path = join(makeFolder(), 'tiny.safetensors');

beforeAll(async () => {
  await writeSafetensors(path, [{ name: 'a', dtype: 'F32', shape: [4] }]);
});

interface Told {
  readonly backend: unknown;
  readonly load: { readonly error?: { readonly message: string } };
}

async function asked(env: Record<string, string>): Promise<Told & { stderr: string }> {
  const end = await runChild('cuda-backend.mjs', {
    args: [path],
    env: { ...withoutDevice.env, ...env },
  });
  expect(end).toMatchObject({ code: 0, signal: null });
  return { ...(toldBy(end) as Told), stderr: end.stderr };
}

describe.each(['auto', ''])('CUDA_SHUTDOWN_BACKEND=%j without a device', (backend) => {
  test('there is none: clean-up succeeds, loading a model does not', async () => {
    const told = await asked({ CUDA_SHUTDOWN_BACKEND: backend });
    expect(told).toMatchObject({
      backend: { value: 'none' },
      available: { value: false },
      count: { value: 0 },
      reason: { value: { code: withoutDevice.reason, message: expect.any(String) } },
      emptyCache: { value: { releasedBytes: 0 } },
      load: {
        error: {
          name: 'CudaUnavailableError',
          code: 'ERR_CUDA_UNAVAILABLE',
          reason: withoutDevice.reason,
          message: expect.stringMatching(/^CUDA is not available: /),
        },
      },
    });
  });
});

test('cuda without a device is an error of every call, and names the reason', async () => {
  const told = await asked({ CUDA_SHUTDOWN_BACKEND: 'cuda' });
  const error = {
    name: 'CudaUnavailableError',
    code: 'ERR_CUDA_UNAVAILABLE',
    reason: withoutDevice.reason,
    message: expect.stringMatching(/^CUDA_SHUTDOWN_BACKEND is cuda, but /),
  };
  expect(told).toMatchObject({
    backend: { error },
    available: { error },
    count: { error },
    reason: { error },
    emptyCache: { error },
    load: { error },
  });
});

test('simulated loads the model on a simulated device', async () => {
  const told = await asked({ CUDA_SHUTDOWN_BACKEND: 'simulated' });
  expect(told).toMatchObject({
    backend: { value: 'simulated' },
    available: { value: true },
    load: { value: { name: 'tiny', bytes: 16 } },
  });
});

test('anything else is a RangeError that names what there is', async () => {
  const told = await asked({ CUDA_SHUTDOWN_BACKEND: 'Simulated' });
  const error = {
    name: 'RangeError',
    message:
      'Expected CUDA_SHUTDOWN_BACKEND to be auto, cuda or simulated, got `Simulated` (string)',
  };
  expect(told).toMatchObject({ backend: { error }, emptyCache: { error }, load: { error } });
});

test('bad settings of the simulator are told, and leave no device', async () => {
  const told = await asked({
    CUDA_SHUTDOWN_BACKEND: 'simulated',
    CUDA_SHUTDOWN_SIM_FAULTS: 'cudaFreeAsinc=hang',
  });
  expect(told).toMatchObject({
    backend: { value: 'simulated' },
    count: { value: 0 },
    reason: { value: { code: 'cudaErrorInitializationError' } },
    load: { error: { code: 'ERR_CUDA_UNAVAILABLE' } },
  });
  expect(told.stderr).toContain('cudaFreeAsinc');
});

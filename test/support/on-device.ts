/**
 * A fixture on the device under test: the simulated one, or with CUDA_SHUTDOWN_TEST_BACKEND=cuda the
 * machine's own (scripts/test-gpu.sh). The same tests must hold on both.
 */

import { spawnSync } from 'node:child_process';

import { type ChildEnd, type ChildOptions, runChild } from './child.js';
import { toldBy } from './simulated.js';

export const testBackend = process.env.CUDA_SHUTDOWN_TEST_BACKEND === 'cuda' ? 'cuda' : 'simulated';

export function onDevice(options: ChildOptions = {}): ChildOptions {
  return { ...options, env: { CUDA_SHUTDOWN_BACKEND: testBackend, ...options.env } };
}

interface DeviceEnd<T> extends ChildEnd {
  /** What the fixture gave to `tell()`. */
  readonly told: T;
}

/** Runs a fixture that ends by itself. @throws Error when it told nothing, or ended otherwise than with 0. */
export async function runOnDevice<T>(
  fixture: string,
  ...args: readonly string[]
): Promise<DeviceEnd<T>> {
  const end = await runChild(fixture, onDevice({ args }));
  if (end.code !== 0) throw new Error(`The fixture failed: ${JSON.stringify(end)}`);
  return { ...end, told: toldBy(end) as T };
}

/** The processes that the driver knows on its devices; undefined where it cannot be asked. */
export function processesOnDevices(): readonly number[] | undefined {
  if (testBackend === 'simulated') return undefined;
  const query = ['--query-compute-apps=pid', '--format=csv,noheader,nounits'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
  return status === 0 ? processesIn(stdout) : undefined;
}

/** In a container the driver may list them without their numbers, as `[N/A]`. */
export function processesIn(list: string): readonly number[] {
  return list
    .split('\n')
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => !Number.isNaN(pid));
}

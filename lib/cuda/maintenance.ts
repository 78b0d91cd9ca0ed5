/** What is done to devices off the JavaScript thread: waiting, giving back, measuring. */

import type { ProcessMemory } from '../common/device-memory.js';
import { AbortError, ModelStateError, toError } from '../common/errors.js';
import { optionalSignal, optionsObject, positiveMs } from '../common/options.js';
import type { ProcessMemorySettlement, Settlement } from '../native/addon.js';
import { backend } from '../native/backend.js';
import { type JobLimits, runJob } from '../native/run-job.js';
import { type Device, deviceIndex, devicesFor } from './device.js';

/** How long the caller waits. What is under way on the device cannot be cancelled, only left behind. */
export interface MaintenanceOptions {
  /** Ends the wait with an `AbortError`. */
  readonly signal?: AbortSignal;
  /** Default: no limit. */
  readonly timeoutMs?: number;
}

function limitsFrom(options: MaintenanceOptions | undefined): JobLimits {
  const given = optionsObject(options, ['signal', 'timeoutMs']);
  return {
    signal: optionalSignal(given.signal),
    timeoutMs: positiveMs('timeoutMs', given.timeoutMs, Infinity),
  };
}

/** Waits for all, then throws: one device's failure does not keep the others from being tried. */
async function onEach<T>(
  devices: readonly number[],
  act: (index: number) => Promise<T>,
): Promise<T[]> {
  const settled = await Promise.allSettled(devices.map(act));
  const errors = settled
    .filter((result) => result.status === 'rejected')
    .map((result) => toError(result.reason));
  // The caller has left: however many devices that ended, it is one abort.
  const aborted = errors.find((error) => error instanceof AbortError);
  if (aborted !== undefined) throw aborted;
  if (errors.length === 1 && errors[0] !== undefined) throw errors[0];
  if (errors.length > 1) {
    throw new AggregateError(errors, `${errors.length} of ${devices.length} devices failed`);
  }
  return settled.map((result) => (result as PromiseFulfilledResult<T>).value);
}

/**
 * Gives back what the caches of the device hold: the pool of this package, the device's default
 * pool, which other libraries in the process use, and the memory of CUDA graphs.
 * Source: `cudaMemPoolTrimTo`, `cudaDeviceGraphMemTrim`.
 *
 * @param device Without one: every device with a context. A device without one has nothing to give.
 * @throws AbortError, TimeoutError, CudaError; AggregateError where several devices failed.
 */
export async function emptyCache(
  device?: Device,
  options?: MaintenanceOptions,
): Promise<{ releasedBytes: number }> {
  const limits = limitsFrom(options);
  const released = await onEach(devicesFor(device), async (index) => {
    const settlement = await runJob<Settlement & { readonly releasedBytes: number }>(
      `cuda.emptyCache on device ${index}`,
      limits,
      (timeoutMs, settled) => backend().addon.emptyCache(index, timeoutMs, settled),
    );
    return settlement.releasedBytes;
  });
  return { releasedBytes: released.reduce((sum, bytes) => sum + bytes, 0) };
}

/**
 * Waits until everything that was given to the device is done.
 *
 * @param device Without one: every device with a context.
 * @throws AbortError, TimeoutError, CudaError; AggregateError where several devices failed.
 */
export async function synchronize(device?: Device, options?: MaintenanceOptions): Promise<void> {
  const limits = limitsFrom(options);
  await onEach(devicesFor(device), (index) =>
    runJob(`cuda.synchronize on device ${index}`, limits, (timeoutMs, settled) =>
      backend().addon.synchronize(index, timeoutMs, settled),
    ),
  );
}

/** `resetPeakMemoryStats()` of one device, where a call that hangs must not block JavaScript. */
export async function resetPeaks(index: number, limits: JobLimits): Promise<void> {
  await runJob(`resetting the peaks of device ${index}`, limits, (timeoutMs, settled) =>
    backend().addon.resetPeaks(index, timeoutMs, settled),
  );
}

/**
 * `cudaDeviceReset`: destroys the device's context and everything in it. **It breaks every other
 * library in the process that uses the device**: opt-in, for a process that uses no other.
 *
 * @throws ModelStateError while models of this package are on the device; CudaError.
 */
export async function resetDevice(device?: Device): Promise<void> {
  const index = deviceIndex(device);
  const { addon, deviceCount } = backend();
  if (deviceCount === 0 || !addon.isDeviceInitialised(index)) return;
  const blocks = addon.memoryStats(index).blocksCurrent;
  if (blocks > 0) {
    throw new ModelStateError(
      `Expected no model on device ${index} when it is reset, got ${blocks} tensors there: unload them first`,
      'loaded',
    );
  }
  await runJob(`cuda.resetDevice on device ${index}`, { timeoutMs: Infinity }, (ms, settled) =>
    addon.resetDevice(index, ms, settled),
  );
}

/**
 * The device's memory that this process holds: by NVML, or where that cannot tell (in containers it
 * shows foreign process numbers or none) as the difference in the device's free memory since this
 * package first used it, in which other processes count too.
 *
 * @returns undefined where neither is known: no device, no context, or nothing to compare with.
 */
export async function processMemory(device?: Device): Promise<ProcessMemory | undefined> {
  const index = deviceIndex(device);
  return backend().deviceCount === 0 ? undefined : processMemoryWithin(index, NVML_LIMIT_MS);
}

/** @throws CudaError, TimeoutError */
export async function processMemoryWithin(
  index: number,
  timeoutMs: number,
): Promise<ProcessMemory | undefined> {
  const { addon } = backend();
  const { bytes, source } = await runJob<ProcessMemorySettlement>(
    `cuda.processMemory on device ${index}`,
    { timeoutMs },
    (ms, settled) => addon.processMemory(index, ms, settled),
  );
  return bytes === undefined || source === undefined ? undefined : { bytes, source };
}

/** NVML can hang with the driver (NVIDIA/open-gpu-kernel-modules#1333). */
const NVML_LIMIT_MS = 5000;

/** A step that cleans up every device that the process has used. */

import type { MeasuredMemory } from '../common/device-memory.js';
import { toError } from '../common/errors.js';
import { formatBytes } from '../common/format.js';
import { nonEmptyString, optionalBoolean, optionsObject } from '../common/options.js';
import { initialisedDevices } from '../cuda/device.js';
import { emptyCache, resetPeaks, synchronize } from '../cuda/maintenance.js';
import { readDevice } from '../cuda/measure.js';
import { backend, backendOrNone } from '../native/backend.js';
import type { Step, StepContext } from '../shutdown/step.js';
import { collectGarbage } from './collect-garbage.js';

/** The options of `cudaCleanup`. */
export interface CudaCleanupOptions {
  /** Default `cuda`. */
  readonly name?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Default 2,000. */
  readonly reserveMs?: number | undefined;
  /** Whether to collect garbage first. Default true. */
  readonly collectGarbage?: boolean | undefined;
}

/** What the clean-up did on one device. */
export interface CleanedDevice {
  readonly index: number;
  readonly name: string;
  readonly before: MeasuredMemory | undefined;
  readonly after: MeasuredMemory | undefined;
  /** What its caches gave back. */
  readonly releasedBytes: number;
  /** What failed on this device, each with the call's own message. */
  readonly errors: readonly string[];
}

/** The details of the step `cuda`. */
export interface CudaCleanupDetails {
  readonly devices: readonly CleanedDevice[];
}

const OPTION_NAMES = ['name', 'timeoutMs', 'reserveMs', 'collectGarbage'] as const;

/** Milliseconds for a reading of a device's memory, which is evidence and not worth waiting for. */
const READING_MS = 250;

/**
 * A step of the phase `device`. Collects garbage, then on every initialised device, side by side:
 * waits for it, empties its caches, resets its peaks. A failure is recorded with its device, and the
 * rest goes on. Without a device there is nothing to do.
 */
export function cudaCleanup(options?: CudaCleanupOptions): Step {
  const given = optionsObject(options, OPTION_NAMES);
  const collect = optionalBoolean('collectGarbage', given.collectGarbage, true);
  return {
    name: nonEmptyString('the `name` option', given.name ?? 'cuda'),
    phase: 'device',
    timeoutMs: given.timeoutMs,
    reserveMs: given.reserveMs ?? 2000,
    run: (context) => cleanUp(collect, context),
  };
}

async function cleanUp(collect: boolean, context: StepContext): Promise<CudaCleanupDetails> {
  if (collect) await collectGarbage();
  const devices = backendOrNone().deviceCount === 0 ? [] : initialisedDevices();
  const failures: Error[] = [];
  let done = 0;
  const cleaned = await Promise.all(
    devices.map(async (index) => {
      const device = await cleanDevice(index, context, failures);
      done += 1;
      context.progress(done, devices.length);
      return device;
    }),
  );
  const released = cleaned.reduce((sum, device) => sum + device.releasedBytes, 0);
  context.progress(done, devices.length, `${formatBytes(released)} given back`);
  const details = { devices: cleaned };
  if (failures.length === 0) return details;
  throw Object.assign(
    new AggregateError(failures, `${failures.length} parts of the clean-up failed`),
    { details },
  );
}

async function cleanDevice(
  index: number,
  context: StepContext,
  failures: Error[],
): Promise<CleanedDevice> {
  const errors: string[] = [];
  const attempt = async <T>(part: Promise<T>): Promise<T | undefined> => {
    try {
      return await part;
    } catch (thrown) {
      const error = toError(thrown);
      failures.push(error);
      errors.push(error.message);
      return undefined;
    }
  };
  const read = (): Promise<MeasuredMemory | undefined> =>
    readDevice(index, READING_MS).catch(() => undefined);
  const limits = partLimits(context);

  const before = await read();
  await attempt(synchronize(index, limits()));
  const emptied = await attempt(emptyCache(index, limits()));
  await attempt(resetPeaks(index, limits()));
  const after = await read();
  const { name } = backend().addon.getDeviceProperties(index);
  return { index, name, before, after, releasedBytes: emptied?.releasedBytes ?? 0, errors };
}

/**
 * A part may take half of what the step has left, so that one that hangs leaves time for those after
 * it, and for its own record.
 */
function partLimits(context: StepContext): () => { signal: AbortSignal; timeoutMs: number } {
  return () => ({
    signal: context.signal,
    timeoutMs: Math.max(1, Math.min(Math.ceil(context.remainingMs() / 2), Number.MAX_SAFE_INTEGER)),
  });
}

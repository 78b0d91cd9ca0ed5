/** The memory of every device at one moment, read on the devices' own threads, with a bound. */

import type {
  HeldMemory,
  MeasuredDevice,
  MemoryReading,
  ProcessMemory,
} from '../common/device-memory.js';
import { TimeoutError } from '../common/errors.js';
import type { ReadingSettlement } from '../native/addon.js';
import { backend, backendOrNone } from '../native/backend.js';
import { runJob } from '../native/run-job.js';
import { initialisedDevices } from './device.js';
import { processMemoryWithin } from './maintenance.js';

/** What the package holds of every device, by its own count: never asks the driver. */
export function heldMemory(): readonly HeldMemory[] {
  const { addon, deviceCount } = backend();
  return Array.from({ length: deviceCount }, (_, device) => ({
    device,
    bytes: addon.heldBytes(device),
  }));
}

export function currentBackend(): 'cuda' | 'simulated' | 'none' {
  return backendOrNone().kind;
}

/** Reads one initialised device. @throws CudaError, TimeoutError */
export async function readDevice(
  index: number,
  timeoutMs: number,
): Promise<MemoryReading | undefined> {
  const { addon } = backend();
  const { reading } = await runJob<ReadingSettlement>(
    `reading the memory of device ${index}`,
    { timeoutMs },
    (ms, settled) => addon.readMemory(index, ms, settled),
  );
  return reading;
}

/** NVML has hung with its driver: it is not asked again. Process lifetime, as the driver's. */
let nvmlHangs = false;

/**
 * What the process holds, by NVML or by what is free: see `cuda.processMemory()`. Undefined where that
 * is not known, also as there is no device. Never rejects.
 */
export async function readProcess(
  index: number,
  timeoutMs: number,
): Promise<ProcessMemory | undefined> {
  if (nvmlHangs || backend().deviceCount === 0) return undefined;
  try {
    return await processMemoryWithin(index, timeoutMs);
  } catch (error) {
    // Another device may have found out meanwhile.
    nvmlHangs ||= error instanceof TimeoutError;
    return undefined;
  }
}

/** Reads every initialised device side by side. Never rejects: what cannot be read has no memory. */
export async function measureDevices(timeoutMs: number): Promise<readonly MeasuredDevice[]> {
  const { addon } = backend();
  return Promise.all(
    initialisedDevices().map(async (index) => {
      const { name } = addon.getDeviceProperties(index);
      const [memory, process] = await Promise.all([
        readDevice(index, timeoutMs).catch(() => undefined),
        readProcess(index, timeoutMs),
      ]);
      if (memory === undefined) return { index, name };
      return { index, name, memory: process === undefined ? memory : { ...memory, process } };
    }),
  );
}

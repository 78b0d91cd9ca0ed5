/** The `device` option of `loadModel`: one device, `'auto'`, or a map that spreads the tensors. */

import { expected } from '../common/expected.js';
import { toError } from '../common/errors.js';
import { type Device, deviceIndex } from '../cuda/device.js';
import type { ReadingSettlement } from '../native/addon.js';
import { type Backend } from '../native/backend.js';
import { runJob } from '../native/run-job.js';

/**
 * Which device takes which tensors, by the beginning of their names: `model.layers.1` is for
 * `model.layers.1` itself and all that is below it, as `model.layers.1.mlp.weight`, and `''` for
 * every tensor. The longest that fits wins.
 */
export type DeviceMap = Readonly<Record<string, Device>>;

/** Where a model goes: one device, the one with the most free memory, or spread by a map. */
export type ModelDevice = Device | 'auto' | DeviceMap;

/** Answers the device's index for a tensor. @throws RangeError where the map has none for it */
export type Assignment = (tensor: string) => number;

const AUTO_TIMEOUT_MS = 30_000;

/**
 * Checks the option. What it answers asks the devices, where it has to.
 *
 * @throws TypeError, RangeError
 */
export function modelDevice(
  device: ModelDevice | undefined,
): (backend: Backend, signal: AbortSignal | undefined) => Promise<Assignment> {
  if (device === 'auto') {
    return async (backend, signal) => {
      const index = await mostFree(backend, signal);
      return () => index;
    };
  }
  const assignment = isMap(device) ? byPrefix(device) : always(deviceIndex(device));
  return () => Promise.resolve(assignment);
}

function isMap(device: ModelDevice | undefined): device is DeviceMap {
  return typeof device === 'object' && (device as unknown) !== null && !Array.isArray(device);
}

function always(index: number): Assignment {
  return () => index;
}

function byPrefix(map: DeviceMap): Assignment {
  const devices = new Map(
    Object.entries(map).map(([prefix, device]) => [prefix, deviceIndex(device)]),
  );
  if (devices.size === 0) {
    throw new RangeError(
      expected('the device map', 'an object with a device for each tensor', map),
    );
  }
  return (tensor) => {
    for (let prefix = tensor; ; prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf('.')))) {
      const index = devices.get(prefix);
      if (index !== undefined) return index;
      if (prefix === '') {
        throw new RangeError(
          expected('the device map', 'one with a device for each tensor', tensor),
        );
      }
    }
  };
}

/** The device with the most memory that a model can have: what is free, and what our cache holds. */
async function mostFree(
  { addon, deviceCount }: Backend,
  signal: AbortSignal | undefined,
): Promise<number> {
  const readings = await Promise.allSettled(
    Array.from({ length: deviceCount }, (_, device) =>
      runJob<ReadingSettlement>(
        `reading the free memory of device ${device}`,
        { signal, timeoutMs: AUTO_TIMEOUT_MS },
        (timeoutMs, settled) => addon.readFreeMemory(device, timeoutMs, settled),
      ),
    ),
  );
  let best: { readonly device: number; readonly usable: number } | undefined;
  for (const [device, outcome] of readings.entries()) {
    // A device that is lost does not keep the others from being taken.
    if (outcome.status === 'rejected' || outcome.value.reading === undefined) continue;
    const { free, reserved, allocated } = outcome.value.reading;
    const usable = free + reserved - allocated;
    if (best === undefined || usable > best.usable) best = { device, usable };
  }
  const failed = readings.find((outcome) => outcome.status === 'rejected');
  if (signal?.aborted === true || best === undefined) throw toError(failed?.reason);
  return best.device;
}

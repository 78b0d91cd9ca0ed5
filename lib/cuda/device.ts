/** What users may call a device: `undefined` (the current one, 0), an index, `'cuda'`, `'cuda:N'`. */

import { expected } from '../common/expected.js';
import { backend } from '../native/backend.js';

/** A device: its index, `'cuda'` (the current one, 0) or `'cuda:N'`. */
export type Device = number | 'cuda' | `cuda:${number}`;

const SHAPE = "an index, 'cuda' or 'cuda:N'";

/**
 * The device's index, checked against the devices there are. Without any device every index that is
 * well-formed is answered, because the memory calls then answer zeros for it.
 *
 * @throws TypeError, RangeError
 */
export function deviceIndex(device: Device | undefined): number {
  const index = parse(device);
  const { deviceCount } = backend();
  if (deviceCount > 0 && index >= deviceCount) {
    throw new RangeError(expected('the device', `below ${deviceCount}, their number`, device));
  }
  return index;
}

function parse(device: unknown): number {
  if (device === undefined || device === 'cuda') return 0;
  if (typeof device === 'string') {
    const digits = /^cuda:(0|[1-9]\d{0,8})$/.exec(device)?.[1];
    if (digits === undefined) throw new RangeError(expected('the device', SHAPE, device));
    return Number(digits);
  }
  if (typeof device !== 'number') throw new TypeError(expected('the device', SHAPE, device));
  if (!Number.isSafeInteger(device) || device < 0) {
    throw new RangeError(expected('the device', SHAPE, device));
  }
  return device;
}

/** The devices that have a context, anyone's in this process. Never creates one. */
export function initialisedDevices(): number[] {
  const { addon, deviceCount } = backend();
  return Array.from({ length: deviceCount }, (_, index) => index).filter((index) =>
    addon.isDeviceInitialised(index),
  );
}

/** What a call without an argument acts on: every initialised device; with one, that device. */
export function devicesFor(device: Device | undefined): number[] {
  if (device === undefined) return initialisedDevices();
  const index = deviceIndex(device);
  return backend().deviceCount > 0 ? [index] : [];
}

/** How many bytes the models of a device may hold together, as the service says. */

import { expected } from '../common/expected.js';
import { type Device, deviceIndex } from '../cuda/device.js';
import { type Registered, sizeOf } from './schedule-nodes.js';

/** Bytes for every device, or by device: `{ 'cuda:0': 8e9 }`. A device without one has no limit. */
export type Budget = number | Readonly<Record<`cuda:${number}`, number>>;

/** Bytes on each of several devices, as a model tells them, or as a budget says them. */
export type BytesByDevice =
  ReadonlyMap<number, number> | Readonly<Record<`cuda:${number}`, number>>;

/** Answers the bytes for a device; `Infinity` without a limit. */
export type BudgetOf = (device: number) => number;

/** @throws TypeError, RangeError */
export function checkBudget(budget: Budget | undefined): BudgetOf {
  if (budget === undefined) return () => Infinity;
  if (typeof budget !== 'object' || (budget as unknown) === null) {
    const bytes = bytesOf('the `budget` option', budget);
    return () => bytes;
  }
  const byDevice = new Map(
    Object.entries(budget).map(([device, bytes]) => [
      indexOf(device),
      bytesOf(`the \`budget\` of ${device}`, bytes),
    ]),
  );
  return (device) => byDevice.get(device) ?? Infinity;
}

/** The bytes that are asked for, by device. @throws TypeError, RangeError */
export function checkBytesByDevice(bytes: BytesByDevice): ReadonlyMap<number, number> {
  const what = 'the `bytesByDevice` option';
  if (typeof bytes !== 'object' || (bytes as unknown) === null) {
    throw new TypeError(expected(what, "a map, or an object as { 'cuda:0': 8e9 }", bytes));
  }
  const entries: (readonly [unknown, unknown])[] =
    bytes instanceof Map ? [...bytes] : Object.entries(bytes);
  const byDevice = new Map(
    entries.map(([device, each]) => [
      deviceIndex(device as Device),
      bytesOf(`the \`bytesByDevice\` of ${String(device)}`, each),
    ]),
  );
  if (byDevice.size > 0) return byDevice;
  throw new RangeError(expected(what, 'one with the bytes of a device', bytes));
}

function indexOf(device: string): number {
  const digits = /^cuda:(0|[1-9]\d{0,8})$/u.exec(device)?.[1];
  if (digits !== undefined) return Number(digits);
  throw new RangeError(expected('each device of the `budget` option', "'cuda:N'", device));
}

function bytesOf(what: string, bytes: unknown): number {
  const message = (): string => expected(what, 'a number of bytes above 0', bytes);
  if (typeof bytes !== 'number') throw new TypeError(message());
  if (!(bytes > 0)) throw new RangeError(message());
  return bytes;
}

/** What an entry counts for in the budget of a device; undefined where it is not on it. */
export function bytesOn(entry: Registered, device: number): number | undefined {
  const spread = spreadOf(entry) ?? entry.admittedByDevice;
  if (spread !== undefined) return spread.get(device);
  return entry.device === device ? sizeOf(entry.unloadable) || entry.admittedBytes : undefined;
}

/** Undefined where it does not tell. */
function spreadOf({ unloadable }: Registered): ReadonlyMap<number, number> | undefined {
  try {
    const { bytesByDevice } = unloadable;
    return bytesByDevice instanceof Map ? bytesByDevice : undefined;
  } catch {
    return undefined; // A getter of the user's, as with sizeOf.
  }
}

/** Whether it has been unloaded by its own `unload()`, and so holds nothing more. */
export function isGone({ unloadable }: Registered): boolean {
  try {
    return (unloadable as { readonly state?: unknown }).state === 'unloaded';
  } catch {
    return false;
  }
}

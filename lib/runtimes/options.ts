/** The options that all adapters have. */

import { expected } from '../common/expected.js';
import { nonEmptyString, optionsObject } from '../common/options.js';
import { type Device, deviceIndex } from '../cuda/device.js';

/** The options that all adapters have. */
export interface RuntimeOptions {
  readonly name: string;
  /** What it holds, as far as known: in a registry the largest is unloaded first. Default 0. */
  readonly bytes?: number | undefined;
  /**
   * The device that holds it: what the process holds there is measured before and after the disposal,
   * a budget counts it there, and it is unloaded in turn with what else is there. Default: none.
   */
  readonly device?: Device | undefined;
  /**
   * Milliseconds that running work is left to finish once an unload has begun; then its signals
   * abort. 0 aborts at once, `Infinity` never. Default: half of the time that the unload may wait.
   */
  readonly abortAfterMs?: number | undefined;
}

/** The same, checked. */
export interface RuntimeSettings {
  readonly name: string;
  readonly bytes: number;
  readonly device: number | undefined;
  readonly abortAfterMs: number | undefined;
}

const OPTION_NAMES = ['name', 'bytes', 'device', 'abortAfterMs'] as const;

/** @throws TypeError, RangeError */
export function runtimeSettings<T extends RuntimeOptions>(
  options: T,
  more: readonly (keyof T & string)[] = [],
): RuntimeSettings {
  const given = optionsObject(options, [...OPTION_NAMES, ...more]);
  return {
    name: nonEmptyString('the `name` option', given.name),
    bytes: atLeastZero('bytes', given.bytes, Number.isSafeInteger, 'an integer') ?? 0,
    device: given.device === undefined ? undefined : deviceIndex(given.device),
    abortAfterMs: atLeastZero('abortAfterMs', given.abortAfterMs, (ms) => ms >= 0, 'a number'),
  };
}

function atLeastZero(
  name: string,
  value: unknown,
  holds: (value: number) => boolean,
  kind: string,
): number | undefined {
  if (value === undefined) return undefined;
  const message = (): string => expected(`the \`${name}\` option`, `${kind} of at least 0`, value);
  if (typeof value !== 'number') throw new TypeError(message());
  if (value < 0 || !holds(value)) throw new RangeError(message());
  return value;
}

/** @throws TypeError unless `object` has all of the methods. */
export function withMethods<T extends object>(
  what: string,
  object: T,
  methods: readonly string[],
): T {
  const shape = object as Partial<Record<string, unknown>> | null | undefined;
  if (methods.every((method) => typeof shape?.[method] === 'function')) return object;
  const names = methods.map((method) => `${method}()`).join(' and ');
  throw new TypeError(expected(what, `an object with ${names}`, object));
}

/** Checks of options, in the one message shape. Each answers the checked value. */

import { expected } from './expected.js';

/** @throws TypeError when `options` is neither `undefined` nor an object, or has a key not in `known`. */
export function optionsObject<T extends object>(
  options: T | undefined,
  known: readonly (keyof T & string)[],
): T {
  if (options === undefined) return {} as T;
  if (typeof options !== 'object' || (options as unknown) === null || Array.isArray(options)) {
    throw new TypeError(expected('the options', 'an object', options));
  }
  for (const key of Object.keys(options)) {
    if (!(known as readonly string[]).includes(key)) {
      throw new TypeError(expected('the option name', `one of ${known.join(', ')}`, key));
    }
  }
  return options;
}

/** Milliseconds above zero; `Infinity` is allowed and means no limit. */
export function positiveMs(name: string, value: unknown, fallback: number): number {
  return milliseconds(name, value, fallback, 'a positive number', (ms) => ms > 0);
}

/** Milliseconds, zero included, finite. */
export function nonNegativeMs(name: string, value: unknown, fallback: number): number {
  return milliseconds(
    name,
    value,
    fallback,
    'a finite number of at least 0',
    (ms) => ms >= 0 && ms < Infinity,
  );
}

/** Milliseconds above zero, finite, without a default. */
export function requiredMs(name: string, value: unknown): number {
  return numberThat(name, value, 'a finite positive number', (ms) => ms > 0 && ms < Infinity);
}

/** A size above zero, without a default. */
export function requiredBytes(name: string, value: unknown): number {
  return numberThat(
    name,
    value,
    'a positive integer',
    (bytes) => Number.isSafeInteger(bytes) && bytes > 0,
  );
}

function milliseconds(
  name: string,
  value: unknown,
  fallback: number,
  toBe: string,
  holds: (ms: number) => boolean,
): number {
  return value === undefined ? fallback : numberThat(name, value, toBe, holds);
}

function numberThat(
  name: string,
  value: unknown,
  toBe: string,
  holds: (value: number) => boolean,
): number {
  const message = (): string => expected(`the \`${name}\` option`, toBe, value);
  if (typeof value !== 'number') throw new TypeError(message());
  if (!holds(value)) throw new RangeError(message());
  return value;
}

export function optionalSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  // By shape, not by instanceof: a signal may come from another realm.
  const { aborted, addEventListener } = Object(value) as Record<string, unknown>;
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') {
    return value as AbortSignal;
  }
  throw new TypeError(expected('the `signal` option', 'an AbortSignal', value));
}

export function optionalFunction<T>(name: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new TypeError(expected(`the \`${name}\` option`, 'a function', value));
}

export function optionalBoolean(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new TypeError(expected(`the \`${name}\` option`, 'a boolean', value));
}

export function nonEmptyString(what: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(expected(what, 'a non-empty string', value));
}

export function positiveInteger(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  const message = (): string => expected(`the \`${name}\` option`, 'a positive integer', value);
  if (typeof value !== 'number') throw new TypeError(message());
  if (value !== Infinity && (!Number.isSafeInteger(value) || value < 1)) {
    throw new RangeError(message());
  }
  return value;
}

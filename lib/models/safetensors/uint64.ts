/** Unsigned 64-bit arithmetic without loss: a number where that is exact, a bigint beyond. */

import { byteAt, ZERO } from './tokens.js';

/** 0 to 2^64 - 1. A bigint only above `Number.MAX_SAFE_INTEGER`; `<`, `>` and `===` hold between two. */
export type Uint64 = number | bigint;

const MAX = 2n ** 64n - 1n;
/** As many decimal digits always make a safe integer. */
const SAFE_DIGITS = 15;
/** More, without leading zeros, never make one below 2^64; converting them takes quadratic time. */
const MAX_DIGITS = 20;

/** The ASCII digits from `start` to `end`, without leading zeros; undefined above 2^64 - 1. */
export function uint64OfDigits(bytes: Buffer, start: number, end: number): Uint64 | undefined {
  if (end - start > MAX_DIGITS) return undefined;
  if (end - start > SAFE_DIGITS) return toUint64(BigInt(bytes.toString('latin1', start, end)));
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + byteAt(bytes, at) - ZERO;
  return value;
}

/** Undefined above 2^64 - 1. */
function toUint64(value: bigint): Uint64 | undefined {
  if (value > MAX) return undefined;
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Undefined above 2^64 - 1. */
export function multiply(left: Uint64, right: Uint64): Uint64 | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    const product = left * right;
    // A product that had to be rounded is at least 2^53, and so is not safe.
    if (Number.isSafeInteger(product)) return product;
  }
  return toUint64(BigInt(left) * BigInt(right));
}

/** `left - right`, where `left` is not the smaller. */
export function subtract(left: Uint64, right: Uint64): Uint64 {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const difference = BigInt(left) - BigInt(right);
  return difference <= Number.MAX_SAFE_INTEGER ? Number(difference) : difference;
}

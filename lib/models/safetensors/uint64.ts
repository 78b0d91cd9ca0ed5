/** Unsigned 64-bit arithmetic without loss: a number where that is exact, a bigint beyond. */

/** 0 to 2^64 - 1. A bigint only above `Number.MAX_SAFE_INTEGER`; `<`, `>` and `===` hold between two. */
export type Uint64 = number | bigint;

const MAX = 2n ** 64n - 1n;
/** As many decimal digits always make a safe integer. */
const SAFE_DIGITS = 15;
/** More, without leading zeros, never make one below 2^64; converting them takes quadratic time. */
const MAX_DIGITS = 20;

/** Decimal digits without leading zeros; undefined above 2^64 - 1. */
export function uint64OfDigits(digits: string): Uint64 | undefined {
  if (digits.length <= SAFE_DIGITS) return Number(digits);
  return digits.length > MAX_DIGITS ? undefined : toUint64(BigInt(digits));
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

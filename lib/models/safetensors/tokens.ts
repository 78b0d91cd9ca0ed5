/** Where JSON's tokens end, by the grammar of RFC 8259, on the bytes of the text. */

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const ZERO = 0x30;
export const COLON = 0x3a;
export const OPEN_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

const SPACE = 0x20;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const NINE = 0x39;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

/** What the functions below answer where there is no such token. */
export const NONE = -1;

/** 0 past the end, which no token contains. */
export function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

export function afterWhiteSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const byte = bytes[at];
    if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at += 1;
  }
}

/** Within a string: the first byte from `start` on that does not stand for itself. */
export function afterPlainCharacters(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) return at;
    at += 1;
  }
}

/** Within a string: behind its closing quote. Does not check escapes. */
export function afterString(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    at = afterPlainCharacters(bytes, at);
    const byte = byteAt(bytes, at);
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return NONE;
    at += 2;
  }
}

/** `start` where there are none. */
export function afterDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const byte = bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) return at;
    at += 1;
  }
}

/** An unsigned integer without fraction and exponent. */
export function afterInteger(bytes: Uint8Array, start: number): number {
  const end = afterDigits(bytes, start);
  if (end === start || (end - start > 1 && byteAt(bytes, start) === ZERO)) return NONE;
  const next = byteAt(bytes, end);
  return next === DOT || isExponentMark(next) ? NONE : end;
}

export function afterNumber(bytes: Uint8Array, start: number): number {
  const whole = byteAt(bytes, start) === MINUS ? start + 1 : start;
  let end = byteAt(bytes, whole) === ZERO ? whole + 1 : afterDigits(bytes, whole);
  if (end === whole) return NONE;
  if (byteAt(bytes, end) === DOT) {
    const fraction = end + 1;
    end = afterDigits(bytes, fraction);
    if (end === fraction) return NONE;
  }
  if (isExponentMark(byteAt(bytes, end))) {
    const sign = byteAt(bytes, end + 1);
    const exponent = sign === PLUS || sign === MINUS ? end + 2 : end + 1;
    end = afterDigits(bytes, exponent);
    if (end === exponent) return NONE;
  }
  return end;
}

function isExponentMark(byte: number): boolean {
  return byte === LOWER_E || byte === UPPER_E;
}

/** Where each tensor lies in the file, after the checks that make every byte of the data one tensor's. */

import type { SafetensorsReason } from '../../common/errors.js';
import { bitsPerElement, type Dtype } from './dtype.js';
import { quoted, refusal } from './refusal.js';
import type { Declaration } from './tensor.js';
import { multiply, subtract, type Uint64 } from './uint64.js';

const SHOWN_DIMENSIONS = 8;

/** One tensor of a valid file. */
export interface TensorLayout {
  readonly name: string;
  readonly dtype: Dtype;
  /** A number where that is exact, a bigint above 2^53 - 1 (next to a dimension of 0). */
  readonly shape: readonly (number | bigint)[];
  readonly bytes: number;
  /** From the beginning of the file, in bytes. */
  readonly offset: number;
}

/**
 * Checks in the order of the reference implementation, and so with its reason when several apply.
 *
 * @param dataStart where the data begins in the file, in bytes
 * @param dataLength how many bytes of data the file holds
 * @returns the tensors by ascending offset
 * @throws SafetensorsError
 */
export function layOut(
  declarations: readonly Declaration[],
  dataStart: number,
  dataLength: number,
  file: string,
): Map<string, TensorLayout> {
  const ordered = [...declarations].sort(byOffsets);
  let covered: Uint64 = 0;
  for (const declaration of ordered) {
    checkOffsets(declaration, covered, file);
    checkSize(declaration, file);
    covered = declaration.end;
  }
  if (covered !== dataLength) {
    throw refusal(
      'MetadataIncompleteBuffer',
      `Expected ${file} to hold the ${covered} bytes of data that its safetensors header ` +
        `declares, got ${dataLength}`,
    );
  }
  // From here on no offset is above dataLength, so that all are exact as numbers.
  const layouts = new Map<string, TensorLayout>();
  for (const { name, dtype, shape, start, end } of ordered) {
    const bytes = Number(end) - Number(start);
    layouts.set(name, { name, dtype, shape, bytes, offset: dataStart + Number(start) });
  }
  return layouts;
}

function byOffsets(left: Declaration, right: Declaration): number {
  return compare(left.start, right.start) || compare(left.end, right.end);
}

function compare(left: Uint64, right: Uint64): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function checkOffsets({ name, start, end }: Declaration, covered: Uint64, file: string): void {
  if (start === covered && end >= start) return;
  const bound = start === covered ? 'end at or after' : 'begin at';
  throw refusal(
    'InvalidOffset',
    `Expected the data of tensor ${quoted(name)} in ${file} to ${bound} byte ${covered}, got ` +
      `[${start}, ${end}]`,
  );
}

function checkSize(declaration: Declaration, file: string): void {
  const { dtype, shape, start, end } = declaration;
  const elements = product(shape);
  const bits = elements === undefined ? undefined : multiply(elements, bitsPerElement(dtype));
  if (bits === undefined) {
    throw wrongSize('ValidationOverflow', declaration, file, 'fewer than 2^64 bits', 'more');
  }
  if (typeof bits === 'number' ? bits % 8 !== 0 : bits % 8n !== 0n) {
    throw wrongSize('MisalignedSlice', declaration, file, 'whole bytes', `${bits} bits`);
  }
  const length = subtract(end, start);
  if (multiply(length, 8) !== bits) {
    const toBe = `${BigInt(bits) / 8n} bytes`;
    throw wrongSize('TensorInvalidInfo', declaration, file, toBe, `${length}`);
  }
}

function product(shape: readonly Uint64[]): Uint64 | undefined {
  let elements: Uint64 | undefined = 1;
  for (const dimension of shape) {
    elements = multiply(elements, dimension);
    if (elements === undefined) return undefined;
  }
  return elements;
}

function wrongSize(
  reason: SafetensorsReason,
  { name, dtype, shape }: Declaration,
  file: string,
  toBe: string,
  got: string,
): Error {
  const more = shape.length > SHOWN_DIMENSIONS ? ', …' : '';
  const shown = `${dtype} [${shape.slice(0, SHOWN_DIMENSIONS).join(', ')}${more}]`;
  const what = `the data of tensor ${quoted(name)} (${shown}) in ${file}`;
  return refusal(reason, `Expected ${what} to be ${toBe}, got ${got}`);
}

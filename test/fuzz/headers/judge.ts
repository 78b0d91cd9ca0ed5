/**
 * A judge of safetensors headers that shares nothing with the reader: it asks JSON.parse, and lays the
 * tensors out by itself. It abstains where JSON.parse cannot tell what the text said: of keys that are
 * there twice, numbers that are no whole doubles, and lone surrogates.
 */

import { isUtf8 } from 'node:buffer';

export interface JudgedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface Verdict {
  /** `undefined` where the judge abstains: a reader may then take the file or refuse it. */
  readonly valid: boolean | undefined;
  /** What a reader that takes the file must have found, by name. */
  readonly tensors: ReadonlyMap<string, JudgedTensor>;
}

const PREFIX = 8;
const MAX_HEADER = 100_000_000n;
/** serde_json's limit is 128. */
const SURE_DEPTH = 100;
const MAX_UINT64 = 2n ** 64n;

/** By the table in the format's documentation. */
const BITS = new Map([
  ...['F4'].map((name) => [name, 4] as const),
  ...['F6_E2M3', 'F6_E3M2'].map((name) => [name, 6] as const),
  ...['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map(
    (name) => [name, 8] as const,
  ),
  ...['I16', 'U16', 'F16', 'BF16'].map((name) => [name, 16] as const),
  ...['I32', 'U32', 'F32'].map((name) => [name, 32] as const),
  ...['I64', 'U64', 'F64', 'C64'].map((name) => [name, 64] as const),
]);

const INVALID: Verdict = { valid: false, tensors: new Map() };
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param file the whole file */
export function judge(file: Uint8Array): Verdict {
  if (file.length < PREFIX) return INVALID;
  const said = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  if (said > MAX_HEADER || said > file.length - PREFIX) return INVALID;
  const header = file.subarray(PREFIX, PREFIX + Number(said));
  if (!isUtf8(header)) return INVALID;
  const text = decoder.decode(header);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return INVALID;
  }
  const dataLength = file.length - PREFIX - header.length;
  const tensors = tensorsOf(value);
  if (tensors !== undefined && layOutExactly([...tensors.values()], dataLength)) {
    return { valid: told(text, value) ? true : undefined, tensors };
  }
  return { valid: told(text, value) ? false : undefined, tensors: tensors ?? new Map() };
}

/** Whether JSON.parse kept all that the text said. */
function told(text: string, value: unknown): boolean {
  return text.trimEnd() === JSON.stringify(value) && sure(value, 0);
}

function sure(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) || !Number.isInteger(value);
  if (typeof value === 'string') return isWellFormed(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth === SURE_DEPTH) return false;
  const parts = Array.isArray(value) ? (value as unknown[]) : Object.entries(value).flat();
  return parts.every((part) => sure(part, depth + 1));
}

function isWellFormed(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}

function tensorsOf(value: unknown): Map<string, JudgedTensor> | undefined {
  if (!isObject(value)) return undefined;
  const tensors = new Map<string, JudgedTensor>();
  for (const [name, declared] of Object.entries(value)) {
    if (name === '__metadata__') {
      if (!isMetadata(declared)) return undefined;
      continue;
    }
    const tensor = tensorOf(declared);
    if (tensor === undefined) return undefined;
    tensors.set(name, tensor);
  }
  return tensors;
}

function isMetadata(value: unknown): boolean {
  if (value === null) return true;
  return isObject(value) && Object.values(value).every((each) => typeof each === 'string');
}

/** serde takes a struct also as an array of its fields. */
function tensorOf(declared: unknown): JudgedTensor | undefined {
  const fields = Array.isArray(declared) ? ofArray(declared) : declared;
  if (!isObject(fields)) return undefined;
  const own = (key: string): unknown => (Object.hasOwn(fields, key) ? fields[key] : undefined);
  const dtype = dtypeOf(own('dtype'));
  const shape = own('shape');
  const offsets = own('data_offsets');
  if (dtype === undefined || !isSizes(shape) || !isSizes(offsets)) return undefined;
  const [start, end, ...more] = offsets;
  if (start === undefined || end === undefined || more.length > 0) return undefined;
  return { dtype, shape, start, end };
}

function ofArray(fields: readonly unknown[]): unknown {
  const [dtype, shape, data_offsets] = fields;
  return fields.length === 3 ? { dtype, shape, data_offsets } : undefined;
}

/** serde takes an enum's variant also as `{"U8":null}`. */
function dtypeOf(value: unknown): string | undefined {
  if (typeof value === 'string') return BITS.has(value) ? value : undefined;
  if (!isObject(value)) return undefined;
  const [[name, content] = [], ...more] = Object.entries(value);
  return more.length === 0 && content === null ? dtypeOf(name) : undefined;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((each) => Number.isInteger(each) && each >= 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every byte of the data is one tensor's, and each tensor's bytes are those of its shape. */
function layOutExactly(tensors: readonly JudgedTensor[], dataLength: number): boolean {
  const ordered = [...tensors].sort(
    (left, right) => left.start - right.start || left.end - right.end,
  );
  let covered = 0;
  for (const { dtype, shape, start, end } of ordered) {
    if (start !== covered || end < start) return false;
    let bits = BigInt(BITS.get(dtype) ?? 0);
    let elements = 1n;
    for (const dimension of shape) {
      elements *= BigInt(dimension);
      if (elements >= MAX_UINT64) return false;
    }
    bits *= elements;
    if (bits >= MAX_UINT64 || bits !== BigInt(end - start) * 8n) return false;
    covered = end;
  }
  return covered === dataLength;
}

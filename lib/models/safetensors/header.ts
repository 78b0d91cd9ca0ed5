/**
 * The header of a safetensors file: its tensors, its metadata, and where its data begins. A file is
 * taken or refused as by the reference implementation (huggingface/safetensors 0.8), for the same
 * reason.
 */

import { isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';

import { expected } from '../../common/expected.js';
import { readDeclarations } from './declarations.js';
import { JsonEvents } from './events.js';
import { layOut, type TensorLayout } from './layout.js';
import { refusal } from './refusal.js';

export type { Dtype } from './dtype.js';
export type { TensorLayout } from './layout.js';

export interface SafetensorsHeader {
  /** By name, in ascending order of offset. */
  readonly tensors: ReadonlyMap<string, TensorLayout>;
  /** The file's `__metadata__`; empty where it has none. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the tensors' data begins in the file, in bytes. */
  readonly dataStart: number;
}

const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads and checks the header; of the data it reads nothing.
 *
 * @param fileSize in bytes; asked of the file where it is not given
 * @param file how messages call the file, as its path in backticks
 * @throws SafetensorsError when the file is not valid, also when it has become shorter than `fileSize`
 * @throws the system's error when it cannot be read, as EISDIR for a directory
 */
export async function readSafetensorsHeader(
  handle: FileHandle,
  fileSize?: number,
  file = 'the file',
): Promise<SafetensorsHeader> {
  const size = fileSize ?? (await handle.stat()).size;
  const prefix = await readFully(handle, 0, Math.min(LENGTH_BYTES, size));
  if (prefix.length < LENGTH_BYTES) {
    throw refusal(
      'HeaderTooSmall',
      `Expected ${file} to be at least ${LENGTH_BYTES} bytes long, as a safetensors file is, got ` +
        `${prefix.length}`,
    );
  }
  const length = prefix.readBigUInt64LE();
  if (length > MAX_HEADER_BYTES) {
    throw refusal(
      'HeaderTooLarge',
      `Expected the safetensors header of ${file} to be at most ${MAX_HEADER_BYTES} bytes long, ` +
        `got ${length}`,
    );
  }
  const available = size - LENGTH_BYTES;
  if (length > available) throw tooLong(file, length, available);
  const bytes = await readFully(handle, LENGTH_BYTES, Number(length));
  if (bytes.length < length) throw tooLong(file, length, bytes.length);
  return parseHeader(bytes, available - bytes.length, file);
}

function tooLong(file: string, length: bigint, available: number): Error {
  return refusal(
    'InvalidHeaderLength',
    `Expected the safetensors header of ${file} to end within it, got a length of ${length} ` +
      `where ${available} bytes follow`,
  );
}

/**
 * @param bytes the header without the length before it
 * @param dataLength how many bytes follow the header, at most 2^53 - 1
 * @throws SafetensorsError
 */
export function parseHeader(
  bytes: Uint8Array,
  dataLength: number | bigint,
  file = 'the file',
): SafetensorsHeader {
  if (!Number.isSafeInteger(Number(dataLength)) || dataLength < 0) {
    throw new RangeError(expected('the data length', 'from 0 to 2^53 - 1', dataLength));
  }
  if (!isUtf8(bytes)) {
    throw refusal(
      'InvalidHeader',
      `Expected the safetensors header of ${file} to be UTF-8, got other bytes`,
    );
  }
  const { tensors, metadata } = readDeclarations(new JsonEvents(bytes, file));
  const dataStart = LENGTH_BYTES + bytes.length;
  return {
    tensors: layOut(tensors, dataStart, Number(dataLength), file),
    metadata,
    dataStart,
  };
}

/** What the file holds from `position` on: `length` bytes, or fewer where it ends. */
async function readFully(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Writes safetensors files for tests: small ones in memory, big ones on disk without holding them. */

import { open } from 'node:fs/promises';

import { bitsPerElement, type Dtype } from '../../lib/models/safetensors/dtype.js';

export interface TestTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Zeros where it is not given. */
  readonly data?: Uint8Array;
}

/** The tensor's size in bytes by shape and dtype. */
export function tensorBytes({ dtype, shape }: TestTensor): number {
  return (shape.reduce((product, dimension) => product * dimension, 1) * bitsPerElement(dtype)) / 8;
}

/** A whole file: the header (padded to 8 bytes, as the reference writes it) and the data. */
export function safetensorsFile(
  tensors: readonly TestTensor[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const { header, placed, dataLength } = place(tensors, metadata);
  const file = rawHeader(header, dataLength);
  const dataStart = file.length - dataLength;
  for (const { data, offset } of placed) if (data) file.set(data, dataStart + offset);
  return file;
}

/** A file whose header is `header`, byte for byte, before `dataLength` zeros. */
export function rawHeader(header: string | Uint8Array, dataLength = 0): Uint8Array {
  const bytes = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + bytes.length + dataLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(bytes.length), true);
  file.set(bytes, 8);
  return file;
}

/** The same file on disk; the data that no tensor gives is a hole, which reads as zeros. */
export async function writeSafetensors(
  path: string,
  tensors: readonly TestTensor[],
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  const { header, placed, dataLength } = place(tensors, metadata);
  const start = rawHeader(header);
  const file = await open(path, 'w');
  try {
    await file.writeFile(start);
    await file.truncate(start.length + dataLength);
    for (const { data, offset } of placed) {
      if (data) await file.write(data, 0, data.length, start.length + offset);
    }
  } finally {
    await file.close();
  }
}

interface Placed {
  readonly data: Uint8Array | undefined;
  readonly offset: number;
}

function place(
  tensors: readonly TestTensor[],
  metadata: Readonly<Record<string, string>> | undefined,
): { header: string; placed: Placed[]; dataLength: number } {
  // A list of members, so that duplicate names and `__proto__` are written as given.
  const members: string[] = [];
  if (metadata) members.push(`"__metadata__":${JSON.stringify(metadata)}`);
  const placed: Placed[] = [];
  let offset = 0;
  for (const tensor of tensors) {
    const end = offset + tensorBytes(tensor);
    const { name, dtype, shape, data } = tensor;
    if (data && data.length !== end - offset) throw new RangeError(`${name}: ${data.length} bytes`);
    const info = { dtype, shape, data_offsets: [offset, end] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(info)}`);
    placed.push({ data, offset });
    offset = end;
  }
  const text = `{${members.join(',')}}`;
  const length = Buffer.byteLength(text);
  const padding = Math.ceil(length / 8) * 8 - length;
  return { header: text + ' '.repeat(padding), placed, dataLength: offset };
}

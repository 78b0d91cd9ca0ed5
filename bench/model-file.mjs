// Writes safetensors files whose tensors are all of the same size.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** Without `fill` the data are zeros, and take no room on the disk. */
export function writeModelFile(path, tensors, bytes, fill) {
  const header = {};
  for (let index = 0; index < tensors; index += 1) {
    const data_offsets = [index * bytes, (index + 1) * bytes];
    header[`tensor.${index}`] = { dtype: 'U8', shape: [bytes], data_offsets };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, 'w');
  writeSync(file, Buffer.concat([length, text]));
  if (fill === undefined) ftruncateSync(file, 8 + text.length + tensors * bytes);
  else for (let index = 0; index < tensors; index += 1) writeSync(file, Buffer.alloc(bytes, fill));
  closeSync(file);
}

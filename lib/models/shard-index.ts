/**
 * The index of a sharded model, `model.safetensors.index.json`, as transformers writes it:
 * `{ "metadata": {…}, "weight_map": { "tensor": "file" } }`, files in the index's own folder.
 */

import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';

import { expected, show } from '../common/expected.js';
import { SafetensorsError, toError } from '../common/errors.js';

/** The limit that a safetensors header has. */
const MAX_INDEX_BYTES = 100_000_000;

export interface ShardIndex {
  /** The path of each tensor's file, by the tensor's name. */
  readonly fileOf: ReadonlyMap<string, string>;
  /** Each file once. */
  readonly files: readonly string[];
}

/** @throws SafetensorsError `InvalidIndex`; the system's error where it cannot be read */
export async function readShardIndex(path: string): Promise<ShardIndex> {
  const { size } = await stat(path);
  if (size > MAX_INDEX_BYTES) {
    throw invalid(
      `Expected the index \`${path}\` to be at most ${MAX_INDEX_BYTES} bytes, got ${size}`,
    );
  }
  const map = weightMap(path, await readFile(path, 'utf8'));
  const fileOf = new Map(
    Object.entries(map).map(([tensor, file]) => [tensor, shardPath(path, tensor, file)]),
  );
  return { fileOf, files: [...new Set(fileOf.values())].toSorted() };
}

function weightMap(path: string, text: string): object {
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch (thrown) {
    const cause = toError(thrown);
    throw invalid(`Expected the index \`${path}\` to be JSON, got: ${cause.message}`, cause);
  }
  const map = isObject(index) ? (index as { weight_map?: unknown }).weight_map : undefined;
  if (isObject(map)) return map;
  throw invalid(
    expected(
      `the index \`${path}\``,
      'an object with an object `weight_map`',
      isObject(index) ? map : index,
    ),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * By its name only: in the cache of huggingface_hub the files are links to elsewhere.
 */
function shardPath(path: string, tensor: string, file: unknown): string {
  if (
    typeof file === 'string' &&
    file !== '' &&
    !file.includes('\0') &&
    !isAbsolute(file) &&
    !file.split('/').includes('..')
  ) {
    return join(dirname(path), file);
  }
  throw invalid(
    `Expected the file of the tensor ${tensor} in the index \`${path}\` to be one in its folder, got ${show(file)}`,
  );
}

function invalid(message: string, cause?: Error): SafetensorsError {
  return new SafetensorsError(message, 'InvalidIndex', cause === undefined ? undefined : { cause });
}

/** The files of a model, opened, each with the tensors that are to be loaded from it. */

import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';

import { SafetensorsError } from '../common/errors.js';
import { within } from '../common/within.js';
import type { LoadTime } from './load-time.js';
import { readSafetensorsHeader, type TensorLayout } from './safetensors/header.js';
import { readShardIndex, type ShardIndex } from './shard-index.js';

export interface ModelFile {
  readonly path: string;
  readonly handle: FileHandle;
  /** In ascending order of offset. */
  readonly tensors: readonly TensorLayout[];
}

/** What a model is called that has no name: its file's name without the extensions. */
export function defaultName(path: string): string {
  return basename(path).replace(/(\.safetensors)?(\.index\.json)?$/, '') || basename(path);
}

/**
 * Runs `use` with the open files, and closes them. A read cannot be called off, as from a file server
 * that has gone: when the time is over, it is left behind in a thread of libuv's pool, and what was
 * opened is closed when it comes back.
 *
 * @throws SafetensorsError for a file or an index that is not valid, or where the two disagree
 * @throws the system's error for one that cannot be read; AbortError, TimeoutError
 */
export async function withModelFiles<T>(
  path: string,
  time: LoadTime,
  use: (files: readonly ModelFile[]) => Promise<T>,
): Promise<T> {
  const opened: ModelFile[] = [];
  const close = (): Promise<unknown> => Promise.all(opened.map(({ handle }) => handle.close()));
  const opening = openAll(path, time, opened);
  const files = await within(opening, time.leftMs, time.signal).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  if (files === undefined) {
    void opening.then(close, close);
    throw time.over(path, ' while its header was read; the read was left behind');
  }
  try {
    if (time.isOver) throw time.over(path, '');
    return await use(files);
  } finally {
    await close();
  }
}

/** @param opened Gets each file as soon as it must be closed. */
async function openAll(
  path: string,
  time: LoadTime,
  opened: ModelFile[],
): Promise<readonly ModelFile[]> {
  const index = path.endsWith('.json') ? await readShardIndex(path) : undefined;
  for (const file of index?.files ?? [path]) {
    // Left behind: nobody waits for the others.
    if (time.isOver) return opened;
    await openFile(file, opened);
  }
  return index === undefined ? opened : belonging(index, opened, path);
}

async function openFile(path: string, files: ModelFile[]): Promise<void> {
  const handle = await open(path, 'r');
  // Before anything can fail: it must be closed.
  const file = { path, handle, tensors: [] as readonly TensorLayout[] };
  files.push(file);
  file.tensors = [
    ...(await readSafetensorsHeader(handle, undefined, `\`${path}\``)).tensors.values(),
  ];
}

/**
 * As transformers does, a file is loaded whole, also what the index leaves out. What the index has
 * in another file is taken from there, and what it has nowhere must be in one file only.
 */
function belonging(index: ShardIndex, files: readonly ModelFile[], path: string): ModelFile[] {
  const found = new Map<string, string>();
  const kept = files.map((file) => ({
    ...file,
    tensors: file.tensors.filter(({ name }) => {
      if ((index.fileOf.get(name) ?? file.path) !== file.path) return false;
      const other = found.get(name);
      if (other !== undefined) {
        throw disagreement(
          `Expected the tensor ${name}, which the index \`${path}\` leaves out, to be in one file, got \`${other}\` and \`${file.path}\``,
        );
      }
      found.set(name, file.path);
      return true;
    }),
  }));
  for (const [name, file] of index.fileOf) {
    if (!found.has(name)) {
      throw disagreement(
        `Expected \`${file}\` to have the tensor ${name}, as the index \`${path}\` says, it does not`,
      );
    }
  }
  return kept;
}

function disagreement(message: string): SafetensorsError {
  return new SafetensorsError(message, 'InvalidIndex');
}

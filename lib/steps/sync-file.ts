/** Hands a written file to the disk, so that its last lines outlive the machine as well. */

import { once } from 'node:events';
import { open, stat } from 'node:fs/promises';

/** What is no error: a file system, or a kind of file, that cannot be synced. */
const CANNOT = new Set(['EINVAL', 'ENOTSUP', 'EROFS', 'ENOSYS', 'ENOENT']);

/**
 * Any descriptor of a file syncs all of it, so that the writer's own may be closed by now. Does nothing
 * for what is no regular file. Rejects with the signal's reason when that aborts: a sync can hang.
 */
export async function syncFile(path: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const stopped = new AbortController();
  const aborted = once(signal, 'abort', { signal: stopped.signal }).then(
    () => Promise.reject(signal.reason as Error),
    () => undefined,
  );
  try {
    await Promise.race([aborted, sync(path)]);
  } finally {
    stopped.abort();
  }
}

async function sync(path: string): Promise<void> {
  try {
    // Opening a pipe would wait for its other end.
    if (!(await stat(path)).isFile()) return;
    const file = await open(path, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!CANNOT.has((error as { code?: string }).code ?? '')) throw error;
  }
}

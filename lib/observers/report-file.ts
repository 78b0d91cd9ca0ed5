/** Writes the report as a file, whole or not at all. A failure is told, and is not fatal. */

import {
  closeSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { EventSource } from '../shutdown/events.js';
import type { ShutdownReport } from '../shutdown/report.js';
import { reportName, stemOf } from './evidence-files.js';
import { reportJson } from './report-json.js';

/**
 * Writes `<folder>/<time without colons>-<pid>.report.json`. The folder is made if need be. A failure
 * is a failure of this listener, and told as such.
 */
export function reportFile(shutdown: EventSource, folder: string): void {
  // The service may change its working directory later.
  const path = resolve(folder);
  const failure = (cause: unknown): Error =>
    new Error(`The report could not be written to \`${path}\``, { cause });

  shutdown.on('end', ({ report }) => {
    if (report.outcome !== 'forced') {
      return write(path, report).catch((error: unknown) => {
        throw failure(error);
      });
    }
    try {
      writeNow(path, report);
    } catch (error) {
      throw failure(error);
    }
    return undefined;
  });
}

/** How long the sync of a report may hold up its renaming. */
const SYNC_FIRST_MS = 20;

const sync = promisify(fsync);

/**
 * Only the syncs go by libuv's threads, which may all be stuck in some other file: the report is there
 * without them.
 */
async function write(folder: string, report: ShutdownReport): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { target, temporary } = pathsOf(folder, report);
  try {
    const file = openSync(temporary, 'wx');
    try {
      writeFileSync(file, reportJson(report));
      const synced = sync(file);
      synced.catch(() => undefined); // Thrown below, unless the renaming fails before.
      // Synced first, a report that is there is whole even after a power failure. But a slow disk must
      // not cost the report: the end of the process, which may be near, takes nothing of what is written.
      await Promise.race([synced, sleep(SYNC_FIRST_MS)]);
      renameSync(temporary, target);
      await synced;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  const directory = openSync(folder, 'r');
  try {
    await sync(directory);
  } finally {
    closeSync(directory);
  }
}

/** The same in one turn, for a process that ends in this one. */
function writeNow(folder: string, report: ShutdownReport): void {
  mkdirSync(folder, { recursive: true });
  const { target, temporary } = pathsOf(folder, report);
  try {
    writeFileSync(temporary, reportJson(report), { flag: 'wx', flush: true });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function pathsOf(folder: string, report: ShutdownReport): { target: string; temporary: string } {
  const target = join(folder, reportName(stemOf(report.startedAt, process.pid)));
  return { target, temporary: `${target}.tmp` };
}

/** The files that shutdowns leave in the `report` folder: their names, and how many are kept. */

import { mkdirSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Of how many shutdowns the files are kept; those of the oldest go first. */
export const KEPT_SHUTDOWNS = 20;

const NAME =
  /^(\d{4}-\d\d-\d\dT\d{6}\.\d{3}Z-\d+)\.(?:report\.json|report\.json\.tmp|journal\.jsonl)$/;

/** What the names of one shutdown's files begin with. `startedAt` is ISO 8601. */
export function stemOf(startedAt: string, pid: number): string {
  return `${startedAt.replaceAll(':', '')}-${pid}`;
}

export function reportName(stem: string): string {
  return `${stem}.report.json`;
}

export function journalName(stem: string): string {
  return `${stem}.journal.jsonl`;
}

/** What a stem says: when the shutdown began and in which process. */
export function readStem(stem: string): { readonly startedAt: string; readonly pid: number } {
  const [, date = '', hours = '', minutes = '', seconds = '', pid = ''] =
    /^(\S{10})T(\d\d)(\d\d)(\S{6})Z-(\d+)$/.exec(stem) ?? [];
  return { startedAt: `${date}T${hours}:${minutes}:${seconds}Z`, pid: Number(pid) };
}

/** The stems in `folder`, the newest shutdown first; none where there is no such folder. */
export async function stemsIn(folder: string): Promise<readonly string[]> {
  return [...(await filesByStem(folder)).keys()].sort().reverse();
}

/**
 * Makes the folder, for a watchdog that may have to write there what JavaScript never came to. Where that
 * fails, so do the report and the journal, and tell it.
 */
export function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch {
    // As said.
  }
}

/** Removes what older shutdowns than the newest `KEPT_SHUTDOWNS` left; never the files of `current`. */
export async function removeOld(folder: string, current: string): Promise<void> {
  const files = await filesByStem(folder);
  const others = [...files.keys()].filter((stem) => stem !== current).sort();
  const old = others.slice(0, Math.max(0, others.length - (KEPT_SHUTDOWNS - 1)));
  await Promise.all(
    old.flatMap((stem) =>
      (files.get(stem) ?? []).map((name) => rm(join(folder, name), { force: true })),
    ),
  );
}

async function filesByStem(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const files = new Map<string, string[]>();
  for (const name of await namesIn(folder)) {
    const stem = NAME.exec(name)?.[1];
    if (stem === undefined) continue;
    files.set(stem, [...(files.get(stem) ?? []), name]);
  }
  return files;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

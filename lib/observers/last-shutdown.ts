/** What the last shutdown left in the `report` folder: its report, or what the journal knows. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nonEmptyString } from '../common/options.js';
import type { ShutdownReport } from '../shutdown/report.js';
import { journalName, readStem, reportName, stemsIn } from './evidence-files.js';
import { readJournal, type CutOffShutdown, type WatchdogFiring } from './journal/read-journal.js';

/** The last shutdown: its report, or what the journal knows of one that was cut off. */
export type LastShutdown =
  | {
      readonly complete: true;
      readonly report: ShutdownReport;
      /** Present where the watchdog ended the process after the report had been written. */
      readonly watchdog?: WatchdogFiring;
    }
  | {
      /** It was cut off: killed, or ended by the watchdog, before it had written its report. */
      readonly complete: false;
      readonly journal: CutOffShutdown;
    };

/**
 * Reads what the newest shutdown left in `folder`; undefined where there is nothing, also no folder.
 * One that runs at this moment in another process looks as if it had been cut off.
 * @throws (rejects with) TypeError for a folder that is no string; the error of the file system.
 */
export async function readLastShutdown(folder: string): Promise<LastShutdown | undefined> {
  const path = nonEmptyString('the folder', folder);
  const [stem] = await stemsIn(path);
  if (stem === undefined) return undefined;
  const [report, journal] = await Promise.all([
    readIfThere(join(path, reportName(stem))),
    readIfThere(join(path, journalName(stem))),
  ]);
  const known = readJournal(journal ?? '', readStem(stem));
  const parsed = report === undefined ? undefined : parseReport(report);
  if (parsed === undefined) return { complete: false, journal: known };
  const { watchdog } = known;
  return { complete: true, report: parsed, ...(watchdog === undefined ? {} : { watchdog }) };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A report is written whole or not at all; one that is damaged all the same is as good as none. */
function parseReport(text: string): ShutdownReport | undefined {
  try {
    const report = JSON.parse(text) as Partial<ShutdownReport> | null;
    return report?.version === 1 && Array.isArray(report.steps)
      ? (report as ShutdownReport)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The service's report folder: whether it can be written, and how the last shutdown ended. */

import { formatBytes } from '../../common/format.js';
import { amount, fields, type Fields, text } from '../course/values.js';
import { shortened } from '../page/words.js';
import { ask } from './ask.js';
import { bad, type Check, ok, warn } from './check.js';

/** A report with many errors has some megabytes. */
const ENOUGH_BYTES = 64 * 2 ** 20;

export async function folderChecks(folder: string): Promise<readonly Check[]> {
  const { said, broken } = await ask('folder', folder);
  const failed = text(said.failed);
  const name = shortened(folder, 120);
  if (broken !== undefined) return [bad('report-folder', `${name}: the probe ${broken}`)];
  if (failed !== undefined) return [bad('report-folder', `${name}: ${failed}`)];
  return [writableCheck(name, said), ...lastChecks(name, said)];
}

function writableCheck(name: string, { exists, there, freeBytes, unwritable }: Fields): Check {
  const problem = text(unwritable);
  const where = exists === true ? name : `${name} (to be made in ${text(there) ?? ''})`;
  if (problem !== undefined) {
    const hint =
      'Make it writable for the user that the service runs as; run the doctor as that user.';
    return bad('report-folder', `Reports cannot be written to ${where}: ${problem}`, hint);
  }
  const free = amount(freeBytes) ?? 0;
  const text_ = `Reports can be written to ${where}, ${formatBytes(free)} free`;
  return free >= ENOUGH_BYTES
    ? ok('report-folder', text_)
    : warn('report-folder', text_, 'Make room: a report that does not fit is lost.');
}

function lastChecks(name: string, { exists, last, noLast }: Fields): readonly Check[] {
  const { outcome, startedAt, text: sentence, watchdog } = fields(last);
  if (last === undefined) {
    const damaged = text(noLast)?.includes('holds neither') === false;
    if (damaged) return [warn('last-shutdown', text(noLast) ?? '')];
    return exists === true ? [ok('last-shutdown', 'No shutdown has left anything there yet')] : [];
  }
  const said = `The last shutdown, ${text(startedAt) ?? ''}: ${text(sentence) ?? ''}`;
  if (outcome === 'clean' && watchdog !== true) return [ok('last-shutdown', said)];
  return [warn('last-shutdown', said, `npx cuda-shutdown report ${name}`)];
}

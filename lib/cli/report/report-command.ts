/** `report`: the picture of a shutdown, in the terminal, as a page, or as a trace. */

import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { formatBytes } from '../../common/format.js';
import { readCourse } from '../course/read-course.js';
import { CliFailure, EXIT, usageFailure } from '../failure.js';
import { page } from '../page/page.js';
import { packageVersion } from '../package.js';
import { printJson, printLines } from '../terminal.js';
import { courseLines } from './summary.js';
import { traceOf } from './trace.js';

/** As commander gives them: `true` where the option has no value. */
export interface ReportOptions {
  readonly json?: true;
  readonly html?: string | true;
  readonly trace?: string | true;
}

const STDOUT = '-';

export async function report(path: string, options: ReportOptions): Promise<number> {
  const { json, html, trace } = options;
  const toStdout = [json === true, html === STDOUT, trace === STDOUT].filter(Boolean);
  if (toStdout.length > 1) {
    throw usageFailure('Expected at most one of --json, --html - and --trace - for stdout');
  }
  for (const out of [html, trace]) if (typeof out === 'string') refuseEvidence(out);
  const { course, file, report: found, stem } = await readCourse(path);
  if (html !== undefined) {
    const made = page(course, { file: basename(file), version: packageVersion() });
    await write('Page', html, `${stem}.html`, made);
  }
  if (trace !== undefined) {
    const made = `${JSON.stringify(traceOf(course))}\n`;
    await write('Trace, for https://ui.perfetto.dev', trace, `${stem}.trace.json`, made);
  }
  if (json === true) printJson({ file, complete: found !== undefined, ...course });
  else if (html === undefined && trace === undefined) printLines(courseLines(course));
  return EXIT.ok;
}

/** `--html FILE` without an OUT would write the page over what it is made of. */
function refuseEvidence(out: string): void {
  if (!/\.(?:report\.json|journal\.jsonl)$/u.test(out)) return;
  throw usageFailure(
    `Expected a file to write to, got \`${out}\`, which is what is read: put it before the option`,
  );
}

async function write(
  what: string,
  out: string | true,
  byDefault: string,
  content: string,
): Promise<void> {
  if (out === STDOUT) {
    process.stdout.write(content);
    return;
  }
  const path = out === true ? byDefault : out;
  try {
    await writeFile(resolve(path), content);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CliFailure(`Expected \`${path}\` to be writable, got ${code ?? message}`);
  }
  process.stderr.write(`${what}: ${path} (${formatBytes(Buffer.byteLength(content))})\n`);
}

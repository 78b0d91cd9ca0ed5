/** Reads the course of a shutdown from a report, a journal, or a folder of them. */

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { journalName, readStem, reportName, stemsIn } from '../../observers/evidence-files.js';
import { CliFailure } from '../failure.js';
import type { Course } from './course.js';
import { courseOfJournal } from './from-journal.js';
import { courseOfReport, isReport } from './from-report.js';
import { joinCourses } from './join.js';

export interface ReadCourse {
  readonly course: Course;
  /** The report's JSON as it stands in the file; undefined where there is none. */
  readonly report: unknown;
  /** The file that says most: the report, or else the journal. */
  readonly file: string;
  /** What the files of this shutdown are called without their endings. */
  readonly stem: string;
}

const REPORT = '.report.json';
const JOURNAL = '.journal.jsonl';

/** @throws CliFailure that says what was expected and what is there */
export async function readCourse(path: string): Promise<ReadCourse> {
  if (await isFolder(path)) return readNewest(path);
  const name = basename(path);
  const ending = [REPORT, JOURNAL].find((one) => name.endsWith(one));
  const stem = name.slice(0, -(ending?.length ?? 0) || undefined);
  if (ending === undefined) return readAnything(path, stem.replace(/\.jsonl?$/u, ''));
  const folder = dirname(path);
  const report = join(folder, `${stem}${REPORT}`);
  const journal = join(folder, `${stem}${JOURNAL}`);
  const pair = { report: await readIfThere(report), journal: await readIfThere(journal) };
  const read = together(pair, stem);
  // What was asked for is damaged: another file must not hide that.
  const asked = ending === REPORT ? pair.report : pair.journal;
  if (asked === undefined) throw new CliFailure(`Expected a file at \`${path}\`, there is none`);
  if (ending === REPORT && read?.report === undefined) throw unreadable(path);
  if (read === undefined) throw unreadable(path);
  return { ...read, file: read.report === undefined ? journal : report, stem };
}

async function readNewest(folder: string): Promise<ReadCourse> {
  const [stem] = await stemsIn(folder);
  if (stem === undefined) {
    throw new CliFailure(
      `Expected the folder \`${folder}\` to hold a report (…${REPORT}) or a journal (…${JOURNAL}), it holds neither`,
    );
  }
  const paths = {
    report: join(folder, reportName(stem)),
    journal: join(folder, journalName(stem)),
  };
  const [report, journal] = [await readIfThere(paths.report), await readIfThere(paths.journal)];
  const read = together({ report, journal }, stem);
  if (read === undefined) throw unreadable(report === undefined ? paths.journal : paths.report);
  return { ...read, file: read.report === undefined ? paths.journal : paths.report, stem };
}

/** A file under another name: what it is shows in its first lines. */
async function readAnything(path: string, stem: string): Promise<ReadCourse> {
  const content = await readIfThere(path);
  if (content === undefined) throw new CliFailure(`Expected a file at \`${path}\`, there is none`);
  const read = together({ report: content, journal: content }, stem);
  if (read === undefined) throw unreadable(path);
  return { ...read, file: path, stem };
}

interface Pair {
  readonly report: string | undefined;
  readonly journal: string | undefined;
}

function together(
  { report, journal }: Pair,
  stem: string,
): Pick<ReadCourse, 'course' | 'report'> | undefined {
  const parsed = report === undefined ? undefined : parse(report);
  const told =
    journal === undefined ? undefined : courseOfJournal(journal, readStem(stem).startedAt);
  if (!isReport(parsed))
    return told === undefined ? undefined : { course: told, report: undefined };
  const course = courseOfReport(parsed);
  return { course: told === undefined ? course : joinCourses(course, told), report: parsed };
}

function parse(content: string): unknown {
  try {
    return JSON.parse(content) as unknown;
  } catch {
    return undefined;
  }
}

function unreadable(path: string): CliFailure {
  return new CliFailure(
    `Expected \`${path}\` to be a report (JSON with \`"version": 1\` and \`steps\`) or a journal (a JSON object a line), it is neither or is damaged`,
  );
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw fileFailure(path, error);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileFailure(path, error);
  }
}

function fileFailure(path: string, error: unknown): CliFailure {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT')
    return new CliFailure(`Expected a file or a folder at \`${path}\`, there is none`);
  return new CliFailure(`Expected \`${path}\` to be readable, got ${code ?? message}`);
}

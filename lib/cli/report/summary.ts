/** The course of a shutdown in a terminal: its steps as bars of text, then what the console says at an end. Pure. */

import { formatBytes, formatDuration } from '../../common/format.js';
import { type Line, summaryLines } from '../../observers/console/lines.js';
import { oneLine, truncate } from '../../observers/console/text.js';
import type { ShutdownReport } from '../../shutdown/report.js';
import type { Course, CourseStatus, CourseStep } from '../course/course.js';
import { axisOf, type Axis } from '../page/axis.js';
import { MARKS, shortened } from '../page/words.js';

/** Columns of the longest bar. */
const WIDTH = 32;
const LONGEST_NAME = 24;

const FILLS: Readonly<Record<CourseStatus, string>> = {
  ok: '█',
  failed: '▓',
  'timed-out': '▒',
  'cut-off': '░',
  skipped: ' ',
  pending: ' ',
};

export function courseLines(course: Course): readonly Line[] {
  const axis = axisOf(course);
  const names = course.steps.map(({ name }) => truncate(oneLine(name), LONGEST_NAME));
  const widest = Math.max(0, ...names.map((name) => name.length));
  const steps = course.steps.map((step, index) => {
    const name = (names[index] ?? '').padEnd(widest);
    return { mark: markOf(step), text: `${name}  ${bar(step, course, axis)}  ${resultOf(step)}` };
  });
  return [...steps, { mark: 'none', text: '' }, ...endLines(course)];
}

function bar({ status, startMs, endMs }: CourseStep, course: Course, axis: Axis): string {
  const column = (ms: number): number => Math.round((axis.at(ms) / 100) * WIDTH);
  const from = Math.min(WIDTH - 1, column(startMs ?? course.durationMs));
  const to = startMs === undefined ? from : Math.max(from + 1, column(endMs ?? startMs));
  return `${'·'.repeat(from)}${FILLS[status].repeat(to - from)}`.padEnd(WIDTH);
}

function resultOf({ status, startMs, endMs, note = '' }: CourseStep): string {
  const took = startMs === undefined || endMs === undefined ? '' : formatDuration(endMs - startMs);
  const word = status === 'ok' ? '' : MARKS[status].word;
  return [took, word, shortened(note, 100)].filter((part) => part !== '').join('  ');
}

function markOf({ status, optional }: CourseStep): Line['mark'] {
  if (status === 'ok') return 'ok';
  return optional ? 'warn' : 'bad';
}

function endLines(course: Course): readonly Line[] {
  const [first, ...others] = summaryLines(asReport(course));
  const watchdog: Line[] =
    course.watchdog === undefined
      ? []
      : [{ mark: 'none', text: `  Watchdog: ${shortened(course.watchdog.what, 200)}` }];
  if (course.outcome !== 'cut-off') {
    return first === undefined ? [] : [first, ...watchdog, ...others];
  }
  const code = course.exitCode === undefined ? '' : `, exit code ${course.exitCode}`;
  const text = `Shutdown (${oneLine(course.reason)}): cut off after ${formatDuration(course.durationMs)}${code}`;
  return [{ mark: 'bad', text }, ...watchdog, ...others, ...heldLines(course)];
}

/** A shutdown that was cut off has mostly no reading of its end. */
function heldLines({ devices }: Course): readonly Line[] {
  return devices.flatMap(({ index, held }) => {
    const last = held.at(-1);
    if (last === undefined) return [];
    return [{ mark: 'none', text: `  cuda:${index}: ${formatBytes(last.bytes)} held at the last` }];
  });
}

function asReport(course: Course): ShutdownReport {
  return {
    ...course,
    version: 1,
    outcome: course.outcome === 'cut-off' ? 'forced' : course.outcome,
    exitCode: course.exitCode ?? 1,
    backend: course.backend ?? 'none',
    steps: [],
    models: [],
  };
}

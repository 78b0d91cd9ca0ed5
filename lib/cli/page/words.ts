/** How the page calls things: pure. */

import { formatBytes, formatDuration } from '../../common/format.js';
import { oneLine } from '../../observers/console/text.js';
import type { Course, CourseDevice, CourseModel, CourseStatus } from '../course/course.js';

export interface Mark {
  readonly symbol: string;
  readonly word: string;
}

/** A colour says nothing that its mark, its word and its pattern do not say as well. */
export const MARKS: Readonly<Record<CourseStatus, Mark>> = {
  ok: { symbol: '✓', word: 'ok' },
  failed: { symbol: '✗', word: 'failed' },
  'timed-out': { symbol: '◷', word: 'timed out' },
  skipped: { symbol: '⊘', word: 'skipped' },
  'cut-off': { symbol: '✂\ufe0e', word: 'cut off' },
  pending: { symbol: '○', word: 'not begun' },
};

export function statusOfModel({ status }: CourseModel): CourseStatus {
  return status === 'failed' ? 'failed' : 'ok';
}

/** Names may be anything; they stand in a line. */
export function shortened(text: string, length = 80): string {
  const line = oneLine(text);
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

export function bytesOfModel({ freedBytes, remainingBytes = 0, status }: CourseModel): string {
  if (status === 'already-unloaded') return 'nothing to free';
  if (remainingBytes === 0) return formatBytes(freedBytes);
  const [freed, unit] = formatBytes(freedBytes).split(' ');
  const all = formatBytes(freedBytes + remainingBytes);
  // `59.0 of 86.6 MiB`: the unit is said once where it is the same.
  return all.endsWith(` ${unit ?? ''}`)
    ? `${freed ?? ''} of ${all}`
    : `${freed ?? ''} ${unit ?? ''} of ${all}`;
}

export function deviceName({ index, name }: CourseDevice): string {
  return `cuda:${index} ${oneLine(name)}`.trim();
}

/** What is used of a device, by whomever. */
export function usedText(memory: CourseDevice['before']): string {
  return memory === undefined ? 'unknown' : formatBytes(memory.total - memory.free);
}

/** The page in a sentence. */
export function headline(course: Course): string {
  const { outcome, watchdog } = course;
  const took = formatDuration(course.durationMs);
  const bad = course.steps.filter(({ status, optional }) => status !== 'ok' && !optional);
  if (outcome === 'clean') {
    return watchdog === undefined
      ? `Shut down cleanly in ${took}`
      : `Every step was ok, but the watchdog had to end the process after ${took}`;
  }
  if (outcome === 'forced') return `Cut short after ${took}`;
  if (outcome === 'cut-off') {
    return watchdog === undefined
      ? `Cut off after ${took}: nothing more is known`
      : `Ended by the watchdog after ${took}`;
  }
  const [first, ...others] = bad;
  const unwell = course.steps.filter(({ status }) => status !== 'ok').length;
  if (first === undefined) return `Shut down in ${took}, with problems`;
  const what =
    others.length === 0
      ? `${shortened(first.name, 40)} ${didNot(first.status)}`
      : `${unwell} of ${course.steps.length} steps did not end well`;
  return `Shut down in ${took}, but ${what}`;
}

function didNot(status: CourseStatus): string {
  const words: Partial<Record<CourseStatus, string>> = {
    failed: 'failed',
    'timed-out': 'ran out of time',
    skipped: 'was skipped',
  };
  return words[status] ?? 'did not end';
}

/** `26 Nov 2026, 12:34:26 UTC`; as it stands where it is no time. */
export function dateText(startedAt: string): string {
  const date = new Date(startedAt);
  if (Number.isNaN(date.getTime())) return shortened(startedAt);
  const text = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium',
    timeStyle: 'medium',
    timeZone: 'UTC',
  }).format(date);
  return `${text} UTC`;
}

/** What the console says, as lines of plain text: pure. */

import { formatBytes, formatDuration } from '../../common/format.js';
import { describeError, flattenError } from '../../shutdown/describe-error.js';
import type { BeginEvent, ProblemEvent, StepEvent } from '../../shutdown/events.js';
import type { ReportedDevice, ReportedError, ShutdownReport } from '../../shutdown/report.js';
import { oneLine } from './text.js';

/** Decides the symbol and its colour. */
export type Mark = 'ok' | 'bad' | 'warn' | 'none';

export interface Line {
  readonly mark: Mark;
  readonly text: string;
}

export const SYMBOLS: Readonly<Record<Mark, string>> = { ok: '✓', bad: '✗', warn: '!', none: ' ' };

export function beginLines(event: BeginEvent): readonly Line[] {
  const { reason, timeoutMs, delayMs, backend } = event;
  const work = delayMs > 0 ? `at work for ${formatDuration(delayMs)} more, ` : '';
  const limit = `${work}at most ${formatDuration(timeoutMs)}`;
  const lines: Line[] = [{ mark: 'none', text: `Shutting down: ${oneLine(reason)} (${limit})` }];
  if (backend === 'simulated') {
    lines.push({
      mark: 'warn',
      text: 'The CUDA backend is SIMULATED: no GPU memory is held or freed',
    });
  }
  return lines;
}

/** `note` is the last that the step has said of its progress. */
export function stepLines(event: StepEvent, note: string | undefined): readonly Line[] {
  const status = event.status === 'ok' ? [] : [event.status];
  const parts = [event.name, formatDuration(event.durationMs ?? 0), ...status, note ?? ''];
  const lines: Line[] = [
    { mark: markOf(event), text: parts.filter(Boolean).map(oneLine).join('  ') },
  ];
  if (event.error !== undefined) {
    for (const error of flattenError(event.error)) {
      lines.push({ mark: 'none', text: `  ${errorText(describeError(error))}` });
    }
  }
  return lines;
}

function markOf({ status, optional }: StepEvent): Mark {
  if (status === 'ok') return 'ok';
  return optional ? 'warn' : 'bad';
}

/** Where a problem comes from that nobody expects: it needs its stack. */
export const UNCAUGHT = '(uncaught)';

export function problemLines({ where, error }: ProblemEvent): readonly Line[] {
  const described = describeError(error);
  const frames = where === UNCAUGHT ? framesOf(described.stack) : [];
  return [
    { mark: 'bad', text: `${oneLine(where)}: ${errorText(described)}` },
    ...frames.map((frame): Line => ({ mark: 'none', text: `  ${oneLine(frame)}` })),
  ];
}

function framesOf(stack = ''): readonly string[] {
  return stack.split('\n').filter((line) => /^ {4}at /u.test(line));
}

export function summaryLines(report: ShutdownReport): readonly Line[] {
  const { reason, outcome, exitCode, durationMs, devices, errors } = report;
  const facts = `${outcome} after ${formatDuration(durationMs)}, exit code ${exitCode}`;
  const none = (text: string): Line => ({ mark: 'none', text });
  return [
    {
      mark: outcome === 'clean' ? 'ok' : exitCode === 0 ? 'warn' : 'bad',
      text: `Shutdown (${oneLine(reason)}): ${facts}`,
    },
    ...(report.backend === 'simulated' ? [none('  CUDA backend: simulated')] : []),
    ...devices.map((device) => none(`  ${deviceText(device)}`)),
    ...errors.map((error) => none(`  ${oneLine(error.step)}: ${errorText(error)}`)),
  ];
}

function errorText({ name, message, cause }: Omit<ReportedError, 'step'>): string {
  return oneLine(`${name}: ${message}${cause === undefined ? '' : ` (cause: ${cause})`}`);
}

function deviceText({ index, name, before, after }: ReportedDevice): string {
  const used = (memory: ReportedDevice['before']): string =>
    memory === undefined ? 'unknown' : formatBytes(memory.total - memory.free);
  const total = (after ?? before)?.total;
  const of = total === undefined ? '' : ` of ${formatBytes(total)}`;
  return oneLine(`cuda:${index} ${name}: used ${used(before)} → ${used(after)}${of}`);
}

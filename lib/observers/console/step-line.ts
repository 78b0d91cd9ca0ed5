/** The line of one step, in columns that it shares with the others: pure. */

import { formatDuration } from '../../common/format.js';
import type { StepEvent } from '../../shutdown/events.js';
import type { ReportedError, StepStatus } from '../../shutdown/report.js';
import { line, toneOf, type Line, type Mark, type Span } from './look.js';
import { oneLine, pad, width } from './text.js';

/** Where the columns of the steps' lines stand. */
export interface Layout {
  readonly name: number;
  readonly duration: number;
}

const MAX_NAME = 24;
const DURATION = 7;
/** Of a terminal: below it, columns would leave no room for the text. */
const MIN_COLUMNS = 60;

/** `columns` 0: no limit. */
export function layoutOf(names: readonly string[], columns: number): Layout {
  if (columns > 0 && columns < MIN_COLUMNS) return { name: 0, duration: 0 };
  const widest = Math.max(0, ...names.map((name) => width(oneLine(name))));
  return { name: Math.min(MAX_NAME, widest), duration: DURATION };
}

/** Where columns would leave no room for the text. */
export function isNarrow({ duration }: Layout): boolean {
  return duration === 0;
}

/** Where the text behind the columns begins, from behind the symbol; without columns, further in. */
export function textColumn(layout: Layout): number {
  return isNarrow(layout) ? 2 : layout.name + layout.duration + 4;
}

/** Of a step that has ended, whoever tells of it. */
export function stepLine(
  step: { readonly name: string; readonly status: string; readonly durationMs?: number },
  mark: Mark,
  note: string | undefined,
  layout: Layout,
): Line {
  const spans: Span[] = [...stepColumns(step.name, step.durationMs ?? 0, layout)];
  if (step.status !== 'ok') spans.push('  ', { text: step.status, tone: toneOf(mark) });
  if (note !== undefined && note !== '') spans.push(`  ${oneLine(note)}`);
  return line(mark, spans, textColumn(layout));
}

export function stepColumns(name: string, ms: number, layout: Layout): readonly Span[] {
  const duration = formatDuration(ms).padStart(layout.duration);
  return [`${pad(oneLine(name), layout.name)}  `, { text: duration, tone: 'dim' }];
}

export function markOf(status: StepEvent['status'] | StepStatus, optional: boolean): Mark {
  if (status === 'ok') return 'ok';
  return optional || status === 'skipped' ? 'warn' : 'bad';
}

export function errorText({ name, message, cause }: Omit<ReportedError, 'step'>): string {
  return oneLine(`${name}: ${message}${cause === undefined ? '' : ` (cause: ${cause})`}`);
}

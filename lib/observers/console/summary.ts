/** A finished shutdown as a person reads it, made of its report alone: pure. */

import { formatBytes, formatDuration } from '../../common/format.js';
import type {
  ReportedDevice,
  ReportedModel,
  ReportedStep,
  ShutdownReport,
} from '../../shutdown/report.js';
import { errorText, layoutOf, markOf, stepLine } from './step-line.js';
import {
  line,
  NO_BREAK,
  render,
  SYMBOLS,
  toneOf,
  type Line,
  type Look,
  type Span,
} from './look.js';
import { oneLine } from './text.js';

export interface SummaryOptions {
  /** Of the terminal. Default 0: no limit. */
  readonly columns?: number;
  /** The names of the steps whose failure changes no exit code; the report does not know. */
  readonly optional?: ReadonlySet<string>;
  /** Where the report lies. */
  readonly path?: string | undefined;
}

const LABEL = 9;
/** Of a terminal: below it a label has a line of its own. */
const MIN_COLUMNS = 48;
/** With more steps than these, those that were ok are only counted. */
const MAX_STEPS = 12;

/** The whole report as rows for a stream: every step with its time, then the summary. */
export function renderReport(
  report: ShutdownReport,
  look: Look,
  options: Omit<SummaryOptions, 'columns'> = {},
): readonly string[] {
  const { columns } = look;
  const { optional = new Set() } = options;
  const layout = layoutOf(
    report.steps.map(({ name }) => name),
    columns,
  );
  const steps = report.steps.map((step) =>
    stepLine(step, markOf(step.status, optional.has(step.name)), undefined, layout),
  );
  const [head, ...facts] = summaryLines(report, { ...options, columns });
  const others = facts.filter(({ text }) => !text.startsWith('  Steps'));
  return render([...(head === undefined ? [] : [head]), ...steps, ...others], look);
}

/** What stands at the end, when every step has had its own line. */
export function summaryLines(
  report: ShutdownReport,
  { columns = 0, optional = new Set(), path }: SummaryOptions = {},
): readonly Line[] {
  const { reason, outcome, exitCode, durationMs, devices, errors, models } = report;
  const mark = outcome === 'clean' ? 'ok' : exitCode === 0 ? 'warn' : 'bad';
  const facts = `${outcome} after ${formatDuration(durationMs)}, exit code ${exitCode}`;
  const narrow = columns > 0 && columns < MIN_COLUMNS;
  const entries = (label: string, texts: readonly (readonly Span[])[]): readonly Line[] =>
    labelled(label, texts, narrow);
  return [
    line(mark, [`Shutdown (${oneLine(reason)}): `, { text: facts, tone: 'strong' }]),
    ...entries('Steps', stepMarks(report.steps, optional, columns)),
    ...entries(
      'Errors',
      errors.map((error) => [`${oneLine(error.step)}: ${errorText(error)}`]),
    ),
    ...entries('Models', modelsText(models)),
    ...entries(
      'Memory',
      devices.map((device) => [deviceText(device)]),
    ),
    ...entries('Held', heldTexts(report)),
    ...entries('Backend', report.backend === 'simulated' ? [['simulated']] : []),
    ...entries('Report', path === undefined ? [] : [[path]]),
  ];
}

function labelled(
  label: string,
  texts: readonly (readonly Span[])[],
  narrow: boolean,
): readonly Line[] {
  const [first, ...others] = texts;
  if (first === undefined) return [];
  const tone = 'dim' as const;
  // What is broken goes on further in; a list goes on where it began.
  const further = label === 'Steps' ? 0 : 2;
  if (narrow) {
    const head = line('none', [{ text: `  ${label}`, tone }]);
    return [head, ...texts.map((text) => line('none', ['    ', ...text], further))];
  }
  const hang = LABEL + further;
  const blank = ' '.repeat(LABEL + 2);
  return [
    line('none', ['  ', { text: label.padEnd(LABEL), tone }, ...first], hang),
    ...others.map((text) => line('none', [blank, ...text])),
  ];
}

/** One line of marks; nothing for one step, whose mark is the shutdown's. */
function stepMarks(
  steps: readonly ReportedStep[],
  optional: ReadonlySet<string>,
  columns: number,
): readonly (readonly Span[])[] {
  if (steps.length < 2) return [];
  const isTiny = columns > 0 && columns < MIN_COLUMNS / 2;
  const ok = steps.filter(({ status }) => status === 'ok');
  const counted = steps.length > MAX_STEPS;
  const shown = counted ? steps.filter(({ status }) => status !== 'ok') : steps;
  const marks = shown.map(({ name, status }): readonly Span[] => {
    const mark = markOf(status, optional.has(name));
    const label = oneLine(name).replaceAll(' ', NO_BREAK);
    const how = mark === 'ok' ? '' : `${isTiny ? ' ' : NO_BREAK}(${status})`;
    return [{ text: SYMBOLS[mark], tone: toneOf(mark) }, NO_BREAK + label + how];
  });
  if (counted && ok.length > 0) {
    const count = `${NO_BREAK}${ok.length}${NO_BREAK}ok`;
    marks.unshift([{ text: SYMBOLS.ok, tone: 'ok' }, count]);
  }
  return [marks.flatMap((spans, index) => (index === 0 ? spans : ['  ', ...spans]))];
}

function modelsText(models: readonly ReportedModel[]): readonly (readonly Span[])[] {
  if (models.length === 0) return [];
  const unloaded = models.filter(({ status }) => status !== 'failed').length;
  const freed = models.reduce((sum, { freedBytes }) => sum + freedBytes, 0);
  const unverified = models.filter(({ verified }) => verified === false).length;
  const doubt = unverified === 0 ? '' : `, ${unverified} not confirmed by the device`;
  const told = `${unloaded} of ${models.length} unloaded, ${formatBytes(freed)} freed${doubt}`;
  const failed = models
    .filter(({ status }) => status === 'failed')
    .map(({ name }) => oneLine(name));
  return [[told], ...(failed.length === 0 ? [] : [[`not unloaded: ${failed.join(', ')}`]])];
}

function deviceText({ index, name, before, after }: ReportedDevice): string {
  const used = (memory: ReportedDevice['before']): string =>
    memory === undefined ? 'unknown' : formatBytes(memory.total - memory.free);
  const total = (after ?? before)?.total;
  const of = total === undefined ? '' : ` of ${formatBytes(total)}`;
  return oneLine(`cuda:${index} ${name}: used ${used(before)} → ${used(after)}${of}`);
}

function heldParts(after: ReportedDevice['after']): readonly string[] {
  if (after === undefined) return [];
  const { allocated, reserved, process } = after;
  return [
    ...(allocated > 0 ? [`${formatBytes(allocated)} allocated`] : []),
    ...(reserved > 0 ? [`${formatBytes(reserved)} reserved`] : []),
    ...(process !== undefined && process.bytes > 0
      ? [`${formatBytes(process.bytes)} by the process (${process.source})`]
      : []),
  ];
}

/** What nobody has given back: by the models' own count, the pool's, and what is known of the process. */
function heldTexts({ models, devices }: ShutdownReport): readonly (readonly Span[])[] {
  const held = models.flatMap(({ name, remainingBytes = 0 }) =>
    remainingBytes > 0 ? [[`${oneLine(name)}: ${formatBytes(remainingBytes)}`]] : [],
  );
  const pools = devices.flatMap((device) => {
    const parts = heldParts(device.after);
    return parts.length === 0 ? [] : [[`cuda:${device.index}: ${parts.join(', ')}`]];
  });
  const all = [...held, ...pools];
  if (all.length > 0) return all;
  // To say so takes evidence for every device.
  const known = devices.length > 0 && devices.every(({ after }) => after !== undefined);
  return known ? [['nothing']] : [];
}

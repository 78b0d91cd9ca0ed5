/** What turns on a terminal while steps run: one row for each, and what is in it: pure. */

import { formatBytes, formatDuration, formatPart } from '../../common/format.js';
import type { Course, CourseItem, RunningStep } from './course.js';
import { line, render, SYMBOLS, type Look, type Span, type Tone } from './look.js';
import { isNarrow, stepColumns, textColumn, type Layout } from './step-line.js';
import { oneLine, pad, truncate, truncateMiddle, width } from './text.js';

export interface LiveView {
  readonly course: Course;
  readonly layout: Layout;
  readonly look: Look;
  /** At most so many rows. */
  readonly rows: number;
  /** In the time of `performance.now()`. */
  readonly now: number;
}

const FRAMES = { unicode: '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏', few: '-\\|/' } as const;
const FRAME_MS = 80;

/** What is over sooner is not worth a bar; a rate takes a while to be one. */
const BAR_MS = 500;
const RATE_MS = 1000;
/** Without progress for so long, no time that is left can be told. */
const STILL_MS = 2000;
/** A shutdown that takes longer says when it will end at the latest. */
const LIMIT_MS = 3000;

const MAX_ITEMS = 4;
const BAR = 24;
const MIN_BAR = 8;

/** Empty where nothing runs. No row is wider than the terminal. */
export function liveRows(view: LiveView): readonly string[] {
  const { course, rows, look } = view;
  const steps = course.running;
  if (steps.length === 0) return delayRow(view);
  const limit = limitRow(view);
  const room = Math.max(1, rows - limit.length);
  const shown = steps.length > room ? steps.slice(0, room - 1) : steps;
  const spare = Math.floor((room - shown.length) / Math.max(1, shown.length));
  const body = shown.flatMap((step) => [
    fitted([glyph(view), ' ', ...headOf(step, view)], look),
    ...detailRows(step, view, spare),
  ]);
  if (shown.length < steps.length) {
    const names = steps.slice(shown.length).map(({ name }) => oneLine(name));
    body.push(fitted([glyph(view), ` ${names.length} more: ${names.join(', ')}`], look));
  }
  return [...body, ...limit];
}

function delayRow(view: LiveView): readonly string[] {
  const ms = view.course.worksUntil - view.now;
  if (ms <= 0) return [];
  return [fitted([glyph(view), ` still at work for ${formatDuration(ms)}`], view.look)];
}

function headOf(step: RunningStep, { layout, now }: LiveView): readonly Span[] {
  const { name, startedAt, done, total = 0, bytes } = step;
  // The bytes stand below.
  const counts = isNarrow(layout) && bytes !== undefined && total > 0;
  const note = counts ? `${done} of ${total}` : oneLine(step.note);
  const columns = stepColumns(name, Math.max(0, now - startedAt), layout);
  return note === '' ? columns : [...columns, `  ${note}`];
}

function detailRows(step: RunningStep, view: LiveView, room: number): readonly string[] {
  const indent = ' '.repeat(textColumn(view.layout) + 2);
  const bar = room > 0 ? barRow(step, view, indent) : [];
  const left = Math.min(MAX_ITEMS + 1, room - bar.length);
  return [...bar, ...itemRows(step, view, indent, left)];
}

function barRow(
  { bytes, startedAt, movedAt }: RunningStep,
  { look, now }: LiveView,
  indent: string,
): readonly string[] {
  const ms = now - startedAt;
  if (bytes === undefined || bytes.total === 0 || ms < BAR_MS) return [];
  const share = bytes.done / bytes.total;
  const columns = Math.min(BAR, look.columns - indent.length - 8);
  if (columns < MIN_BAR) return [];
  const full = Math.min(columns, Math.floor(share * columns));
  const still = now - movedAt;
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  const spans: Span[] = [
    indent,
    { text: '━'.repeat(full), tone: 'busy' },
    { text: '─'.repeat(columns - full), tone: 'dim' },
    ` ${percent} %`,
  ];
  const room = look.columns - 2 - indent.length - columns - 6;
  for (const span of speedOf(bytes, ms, still)) if (width(span.text) <= room) spans.push(span);
  return [fitted(spans, look)];
}

/** What can be told of how it goes on; `still` is how long it did not. */
function speedOf(
  { done, total }: { readonly done: number; readonly total: number },
  ms: number,
  still: number,
): readonly Exclude<Span, string>[] {
  if (done >= total) return [];
  if (still >= STILL_MS) return [{ text: `  nothing for ${formatDuration(still)}`, tone: 'warn' }];
  if (ms < RATE_MS || done === 0) return [];
  const rate = done / ms;
  const left = formatDuration((total - done) / rate);
  return [{ text: `  ${formatBytes(rate * 1000)}/s, ${left} left`, tone: 'dim' }];
}

const ITEM_MARKS: Readonly<Record<CourseItem['state'], readonly [string, Tone]>> = {
  waiting: ['·', 'warn'],
  running: ['·', 'busy'],
  done: [SYMBOLS.ok, 'ok'],
  failed: [SYMBOLS.bad, 'bad'],
};

/** Those that changed last first; `room` rows at most. */
function itemRows(
  { items, total = 0, done }: RunningStep,
  { look, layout }: LiveView,
  indent: string,
  room: number,
): readonly string[] {
  // One model alone is told of by its step.
  if (room < 2 || total < 2) return [];
  const latest = [...items.values()].sort((a, b) => b.changed - a.changed);
  const shown = latest.slice(0, room - 1);
  const names = shown.map(({ name }) => oneLine(name));
  const widest = Math.max(0, ...names.map(width));
  const columns = Math.min(widest, Math.max(8, Math.floor((look.columns - indent.length) / 2)));
  const rows = shown.map((item, index) => {
    const [text, tone] = ITEM_MARKS[item.state];
    const name = pad(truncateMiddle(names[index] ?? '', columns), columns);
    return fitted([indent, { text, tone }, ` ${name}  ${itemText(item, isNarrow(layout))}`], look);
  });
  const failed = latest.filter(({ state }) => state === 'failed').length;
  const active = shown.filter(({ state }) => state === 'waiting' || state === 'running').length;
  const more = total - done - failed - active;
  if (more > 0) rows.push(fitted([{ text: `${indent}  and ${more} to go`, tone: 'dim' }], look));
  return rows;
}

function itemText({ state, text, doneBytes, totalBytes }: CourseItem, narrow: boolean): string {
  if (text !== undefined) return oneLine(text);
  if (doneBytes === undefined) return '';
  if (state === 'done' || totalBytes === undefined) return `${formatBytes(doneBytes)} freed`;
  if (narrow) return `${Math.floor((doneBytes / Math.max(1, totalBytes)) * 100)} %`;
  return formatPart(doneBytes, totalBytes);
}

function limitRow({ course, look, now, rows }: LiveView): readonly string[] {
  if (rows < 2 || now - course.beganAt < LIMIT_MS) return [];
  const left = formatDuration(Math.max(0, Math.ceil((course.endsAt - now) / 1000) * 1000));
  const again = course.reason === 'SIGINT' ? ', Ctrl+C again ends it now' : '';
  return [
    fitted([{ text: `  at most ${left.replace('.0 ', ' ')} more${again}`, tone: 'dim' }], look),
  ];
}

function glyph({ look, now }: LiveView): Span {
  const frames = look.unicode === false ? FRAMES.few : FRAMES.unicode;
  const text = frames[Math.floor(now / FRAME_MS) % frames.length] ?? '';
  return { text, tone: 'busy' };
}

/** One row: a column stays free, as a terminal may break a row that fills it. */
function fitted(spans: readonly Span[], look: Look): string {
  const kept: Span[] = [];
  let room = look.columns - 2;
  for (const span of spans) {
    const text = typeof span === 'string' ? span : span.text;
    const cut = truncate(text, room);
    kept.push(typeof span === 'string' ? cut : { ...span, text: cut });
    room -= width(cut);
    if (cut !== text) break;
  }
  const [row = ''] = render([line('none', kept)], { ...look, columns: 0 });
  return row;
}

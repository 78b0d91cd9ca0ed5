/**
 * The course of a shutdown as Chrome's trace events, which Perfetto and chrome://tracing open: pure.
 * Source: "Trace Event Format", Google; times are microseconds.
 */

import type { Course, CourseModel } from '../course/course.js';
import { known } from '../course/values.js';

interface TraceEvent {
  readonly name: string;
  /** Complete, instant, counter, metadata. */
  readonly ph: 'X' | 'i' | 'C' | 'M';
  readonly ts: number;
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  readonly dur?: number;
  /** Of an instant: drawn through everything. */
  readonly s?: 'g';
  readonly args?: object;
}

export interface Trace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: 'ms';
  readonly otherData: object;
}

/** The thread of what belongs to the whole. */
const WHOLE = 0;

export function traceOf(course: Course): Trace {
  const pid = course.pid ?? 1;
  const events = [...stepEvents(course), ...modelEvents(course), ...wholeEvents(course)];
  const { startedAt, reason, outcome, exitCode, backend } = course;
  return {
    traceEvents: [...names(course), ...events.sort((a, b) => a.ts - b.ts)].map((event) => ({
      ...event,
      pid,
    })),
    displayTimeUnit: 'ms',
    otherData: known({ startedAt, reason, outcome, exitCode, backend }),
  };
}

type Event = Omit<TraceEvent, 'pid'>;

/** A thread for each step, in the order of the report; behind them as many as models overlap. */
function names(course: Course): readonly Event[] {
  const named = (tid: number, name: string): readonly Event[] => [
    { name: 'thread_name', ph: 'M', ts: 0, tid, args: { name } },
    { name: 'thread_sort_index', ph: 'M', ts: 0, tid, args: { sort_index: tid } },
  ];
  const lanes = Math.max(0, ...lanesOf(course).map(({ lane }) => lane + 1));
  return [
    { name: 'process_name', ph: 'M', ts: 0, tid: WHOLE, args: { name: 'shutdown' } },
    ...named(WHOLE, course.reason),
    ...course.steps.flatMap(({ name }, index) => named(index + 1, name)),
    ...Array.from({ length: lanes }, (_, lane) =>
      named(course.steps.length + 1 + lane, `unloads ${lane + 1}`),
    ).flat(),
  ];
}

function stepEvents({ steps, errors }: Course): readonly Event[] {
  return steps.flatMap(({ name, startMs, endMs, ...step }, index) => {
    if (startMs === undefined) return [];
    const tid = index + 1;
    const said = errors.filter((error) => error.step === name).map(({ message }) => message);
    const args = { ...step, ...(said.length === 0 ? {} : { errors: said }) };
    const dur = micros((endMs ?? startMs) - startMs);
    return [{ name, ph: 'X', ts: micros(startMs), dur, tid, cat: 'step', args }];
  });
}

function modelEvents(course: Course): readonly Event[] {
  return lanesOf(course).map(({ model, startMs, lane }) => {
    const { name, durationMs, ...args } = model;
    const [ts, dur] = [micros(startMs), micros(durationMs)];
    return { name, ph: 'X', ts, dur, tid: course.steps.length + 1 + lane, cat: 'model', args };
  });
}

/** What overlaps cannot stand on one thread. */
function lanesOf({ models, steps }: Course): readonly {
  readonly model: CourseModel;
  readonly startMs: number;
  readonly lane: number;
}[] {
  const ends: number[] = [];
  return models
    .map((model) => ({
      model,
      startMs: model.startMs ?? steps.find(({ name }) => name === model.step)?.startMs ?? 0,
    }))
    .sort((a, b) => a.startMs - b.startMs)
    .map(({ model, startMs }) => {
      const free = ends.findIndex((end) => end <= startMs);
      const lane = free === -1 ? ends.length : free;
      ends[lane] = startMs + model.durationMs;
      return { model, startMs, lane };
    });
}

function wholeEvents(course: Course): readonly Event[] {
  const { reason, outcome, durationMs, timeoutMs, delayMs = 0, watchdog, devices } = course;
  const instant = (name: string, ms: number, args?: object): Event => ({
    name,
    ph: 'i',
    ts: micros(ms),
    tid: WHOLE,
    s: 'g',
    ...(args === undefined ? {} : { args }),
  });
  const delay: Event = { name: 'delay', ph: 'X', ts: 0, dur: micros(delayMs), tid: WHOLE };
  return [
    instant(reason, 0),
    instant(`end: ${outcome}`, durationMs),
    ...(timeoutMs === undefined ? [] : [instant('deadline', timeoutMs)]),
    ...(delayMs === 0 ? [] : [delay]),
    ...(watchdog === undefined ? [] : [instant('watchdog', watchdog.atMs, watchdog)]),
    ...devices.flatMap(({ index, held }) =>
      held.map(({ atMs, bytes }): Event => ({
        name: `held of cuda:${index}`,
        ph: 'C',
        ts: micros(atMs),
        tid: WHOLE,
        args: { bytes },
      })),
    ),
  ];
}

function micros(ms: number): number {
  return Math.round(ms * 1000);
}

/** What a journal says, line by line: pure. Lines that are cut off or foreign are passed over. */

import { PHASES } from '../../shutdown/step.js';
import type { ReportedDevice, ReportedError } from '../../shutdown/report.js';
import {
  BACKENDS,
  OUTCOMES,
  STATUSES,
  type Course,
  type CourseDevice,
  type CourseModel,
  type CourseStep,
  type CourseWatchdog,
  type HeldAt,
} from './course.js';
import { errorOf, memoryOf, modelsOf } from './from-report.js';
import { amount, fields, finite, type Fields, known, list, oneOf, text } from './values.js';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Collected while the lines are read. */
interface Reading {
  readonly facts: Writable<Partial<Course>>;
  readonly steps: Map<string, CourseStep>;
  readonly models: CourseModel[];
  readonly held: Map<number, HeldAt[]>;
  readonly devices: Map<number, ReportedDevice>;
  readonly errors: ReportedError[];
  lastAtMs: number;
  end?: Fields;
  watchdog?: CourseWatchdog;
}

/** Undefined where no line is one of a journal. `startedAt` is what the file's name says. */
export function courseOfJournal(journal: string, startedAt = ''): Course | undefined {
  const lines = journal.split('\n').flatMap(lineOf);
  if (lines.length === 0) return undefined;
  const reading: Reading = {
    facts: {},
    steps: new Map(),
    models: [],
    held: new Map(),
    devices: new Map(),
    errors: [],
    lastAtMs: 0,
  };
  for (const line of lines) read(reading, line);
  const { facts, errors, lastAtMs, end = {}, watchdog } = reading;
  const outcome = oneOf(OUTCOMES, end.outcome);
  return known({
    reason: '(unknown)',
    startedAt,
    ...facts,
    // The report is missing even where the sequence had come to its end.
    outcome: watchdog === undefined && outcome !== undefined ? outcome : ('cut-off' as const),
    exitCode: watchdog?.exitCode ?? finite(end.exitCode),
    durationMs: lastAtMs,
    steps: [...reading.steps.values()].map((step) => cutOff(step, lastAtMs)),
    models: reading.models,
    devices: devicesOf(reading),
    errors,
    watchdog,
    journal: true,
  });
}

const EVENTS = ['begin', 'step', 'progress', 'memory', 'problem', 'end', 'watchdog'];

function lineOf(line: string): readonly Fields[] {
  try {
    const parsed = fields(JSON.parse(line));
    return EVENTS.includes(String(parsed.event)) ? [parsed] : [];
  } catch {
    return []; // Half a line, or the empty one behind the last.
  }
}

function read(reading: Reading, line: Fields): void {
  const atMs = amount(line.atMs) ?? 0;
  reading.lastAtMs = Math.max(reading.lastAtMs, atMs);
  for (const one of list(line.held)) {
    const { device, bytes } = fields(one);
    const [index, held] = [amount(device), amount(bytes)];
    if (index === undefined || held === undefined) continue;
    const points = reading.held.get(index) ?? [];
    points.push({ atMs, bytes: held });
    reading.held.set(index, points);
  }
  switch (line.event) {
    case 'begin':
      begin(reading, line);
      break;
    case 'step':
      step(reading, line);
      break;
    case 'progress': {
      const before = reading.steps.get(text(line.name) ?? '');
      const note = text(line.text) ?? counted(line);
      if (before !== undefined) reading.steps.set(before.name, { ...before, note });
      break;
    }
    case 'memory':
      memory(reading, line);
      break;
    case 'problem':
      reading.errors.push(errorOf({ ...fields(line.error), step: line.where }));
      break;
    case 'end':
      reading.end = line;
      break;
    case 'watchdog':
      reading.watchdog = known({
        atMs,
        exitCode: finite(line.exitCode),
        what: text(line.what) ?? '',
        pending: text(line.pending) ?? '',
      });
      break;
  }
}

function begin({ facts, steps }: Reading, line: Fields): void {
  Object.assign(
    facts,
    known({
      pid: amount(line.pid),
      reason: text(line.reason),
      startedAt: text(line.startedAt),
      timeoutMs: amount(line.timeoutMs),
      delayMs: amount(line.delayMs),
      backend: oneOf(BACKENDS, line.backend),
    }),
  );
  for (const one of list(line.steps)) {
    const { name, phase, optional } = fields(one);
    const called = text(name) ?? '(unnamed)';
    steps.set(
      called,
      known({
        name: called,
        status: 'pending' as const,
        phase: oneOf(PHASES, phase),
        optional: optional === true,
      }),
    );
  }
}

function step({ steps, models, errors }: Reading, line: Fields): void {
  const name = text(line.name) ?? '(unnamed)';
  const status = oneOf(STATUSES, line.status);
  const startMs = status === 'skipped' ? undefined : amount(line.startMs);
  const took = amount(line.durationMs);
  const { message } = fields(line.error);
  steps.set(
    name,
    known({
      name,
      status: status ?? 'cut-off',
      phase: oneOf(PHASES, line.phase),
      optional: line.optional === true,
      startMs,
      endMs: startMs === undefined || took === undefined ? undefined : startMs + took,
      deadlineMs: amount(line.deadlineMs),
      note: steps.get(name)?.note,
      error: text(message),
    }),
  );
  if (line.error !== undefined) errors.push(errorOf({ ...fields(line.error), step: name }));
  models.push(...modelsOf([line], undefined));
}

function memory({ devices }: Reading, line: Fields): void {
  const when = oneOf(['before', 'after'], line.when);
  if (when === undefined) return;
  for (const one of list(line.devices)) {
    const device = fields(one);
    const index = amount(device.index) ?? 0;
    const measured = memoryOf(device.memory);
    const before = devices.get(index) ?? { index, name: text(device.name) ?? '' };
    devices.set(index, measured === undefined ? before : { ...before, [when]: measured });
  }
}

function counted({ done, total }: Fields): string {
  const [is, of] = [finite(done), finite(total)];
  return of === undefined ? String(is ?? '') : `${is ?? 0}/${of}`;
}

function cutOff(one: CourseStep, lastAtMs: number): CourseStep {
  return one.status === 'cut-off' ? { ...one, endMs: Math.max(one.startMs ?? 0, lastAtMs) } : one;
}

/** Those that hold something or were measured: the others were never used. */
function devicesOf({ devices, held }: Reading): readonly CourseDevice[] {
  const used = [...held].filter(([, points]) => points.some(({ bytes }) => bytes > 0));
  const indices = new Set([...devices.keys(), ...used.map(([index]) => index)]);
  return [...indices]
    .sort((a, b) => a - b)
    .map((index) => ({
      ...(devices.get(index) ?? { index, name: '' }),
      held: held.get(index) ?? [],
    }));
}

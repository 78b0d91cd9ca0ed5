/** What a journal knows of a shutdown: pure. Lines that are cut off or foreign are passed over. */

import type { HeldMemory } from '../../common/device-memory.js';
import type { Phase, ProgressEvent } from '../../shutdown/events.js';
import type {
  ReportedDevice,
  ReportedError,
  ShutdownReport,
  StepStatus,
} from '../../shutdown/report.js';
import type { JournalLine, WatchdogLine } from './lines.js';

/** A step as far as the journal has it. */
export interface JournalStep {
  readonly name: string;
  readonly phase: Phase;
  readonly optional: boolean;
  /** `running`: the shutdown was cut off in it. `pending`: it had not begun. */
  readonly status: 'pending' | 'running' | StepStatus;
  /** Milliseconds from the beginning of the shutdown. */
  readonly startMs?: number;
  readonly durationMs?: number;
  readonly deadlineMs?: number;
  /** The message of its error. */
  readonly error?: string;
  readonly details?: unknown;
  /** The last that it said of itself. */
  readonly progress?: Pick<ProgressEvent, 'done' | 'total' | 'text'>;
}

/** The words of the native watchdog when it ended the process. */
export interface WatchdogFiring {
  readonly atMs: number;
  readonly exitCode: number;
  /** Why, as `the deadline of 30000 ms passed`. */
  readonly what: string;
  /** The names of the steps that were running. */
  readonly pending: string;
}

/** What is known of a shutdown that left no report. */
export interface CutOffShutdown {
  readonly pid: number;
  readonly startedAt: string;
  /** Undefined where the journal was cut off before its first line. */
  readonly reason?: string;
  readonly timeoutMs?: number;
  readonly backend?: ShutdownReport['backend'];
  /** When the last line was written, in milliseconds from the beginning. */
  readonly lastAtMs: number;
  readonly steps: readonly JournalStep[];
  /** Bytes held per device at the last line that knew, by the process's own count. */
  readonly held: readonly HeldMemory[];
  /** What the devices themselves said. */
  readonly devices: readonly ReportedDevice[];
  readonly errors: readonly ReportedError[];
  /** Present where the sequence had come to its end, and only the report is missing. */
  readonly end?: { readonly outcome: ShutdownReport['outcome']; readonly exitCode: number };
  readonly watchdog?: WatchdogFiring;
}

export function readJournal(
  text: string,
  { startedAt, pid }: { readonly startedAt: string; readonly pid: number },
): CutOffShutdown {
  const state: Known = { pid, startedAt, lastAtMs: 0, held: [] };
  const steps = new Map<string, JournalStep>();
  const devices = new Map<number, ReportedDevice>();
  const errors: ReportedError[] = [];
  for (const line of linesOf(text)) {
    if ('atMs' in line) state.lastAtMs = Math.max(state.lastAtMs, line.atMs);
    if ('held' in line) state.held = line.held;
    switch (line.event) {
      case 'begin':
        state.reason = line.reason;
        if (line.timeoutMs !== undefined) state.timeoutMs = line.timeoutMs;
        if (line.backend !== undefined) state.backend = line.backend;
        for (const step of line.steps ?? []) steps.set(step.name, { ...step, status: 'pending' });
        break;
      case 'step': {
        const { event, atMs, held, error, ...step } = line;
        const { progress } = steps.get(step.name) ?? {};
        const message = error === undefined ? {} : { error: error.message };
        steps.set(step.name, { ...step, ...message, ...(progress && { progress }) });
        if (error !== undefined) errors.push({ step: step.name, ...error });
        break;
      }
      case 'progress': {
        const { event, atMs, held, name, ...progress } = line;
        const step = steps.get(name);
        if (step !== undefined) steps.set(name, { ...step, progress });
        break;
      }
      case 'memory':
        for (const { index, name, memory } of line.devices) {
          const known = devices.get(index) ?? { index, name };
          devices.set(index, memory === undefined ? known : { ...known, [line.when]: memory });
        }
        break;
      case 'problem':
        errors.push({ step: line.where, ...line.error });
        break;
      case 'end':
        state.end = { outcome: line.outcome, exitCode: line.exitCode };
        break;
      case 'watchdog':
        state.watchdog = firing(line);
        break;
    }
  }
  return { ...state, steps: [...steps.values()], devices: [...devices.values()], errors };
}

type Lists = 'steps' | 'devices' | 'errors';
type Known = { -readonly [K in keyof Omit<CutOffShutdown, Lists>]: CutOffShutdown[K] };

function firing({ atMs, exitCode, what, pending }: WatchdogLine): WatchdogFiring {
  return { atMs, exitCode, what, pending };
}

function linesOf(text: string): readonly JournalLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      const parsed: unknown = JSON.parse(line);
      return typeof parsed === 'object' && parsed !== null ? [parsed as JournalLine] : [];
    } catch {
      return []; // Half a line, or the empty one behind the last.
    }
  });
}

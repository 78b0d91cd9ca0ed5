/** The course of one shutdown: what its report and its journal know of it together. All times are ms from its beginning. */

import type { Phase } from '../../shutdown/events.js';
import type {
  ReportedDevice,
  ReportedError,
  ReportedModel,
  ShutdownReport,
  StepStatus,
} from '../../shutdown/report.js';

/** `cut-off`: the process ended while it ran. `pending`: it ended before the step began. */
export type CourseStatus = StepStatus | 'cut-off' | 'pending';

export interface CourseStep {
  readonly name: string;
  readonly status: CourseStatus;
  readonly phase?: Phase;
  readonly optional: boolean;
  /** Undefined where it never began. */
  readonly startMs?: number;
  readonly endMs?: number;
  readonly deadlineMs?: number;
  /** The last that it said of its progress. */
  readonly note?: string;
  readonly error?: string;
}

export interface CourseModel extends Omit<ReportedModel, 'startMs'> {
  /** The step that unloaded it. */
  readonly step?: string;
  readonly startMs?: number;
}

/** What the process held of a device at one moment, by its own count. */
export interface HeldAt {
  readonly atMs: number;
  readonly bytes: number;
}

export interface CourseDevice extends ReportedDevice {
  /** In the order of time; empty where there is no journal. */
  readonly held: readonly HeldAt[];
}

/** The native watchdog's firing, or an exit from somewhere else. */
export interface CourseWatchdog {
  readonly atMs: number;
  readonly exitCode?: number;
  readonly what: string;
  readonly pending: string;
}

export interface Course {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly pid?: number;
  readonly reason: string;
  /** `cut-off`: there is no report. */
  readonly outcome: ShutdownReport['outcome'] | 'cut-off';
  readonly exitCode?: number;
  readonly backend?: ShutdownReport['backend'];
  /** Where it was cut off: until the last that is known. */
  readonly durationMs: number;
  readonly timeoutMs?: number;
  readonly delayMs?: number;
  readonly steps: readonly CourseStep[];
  readonly models: readonly CourseModel[];
  readonly devices: readonly CourseDevice[];
  readonly errors: readonly ReportedError[];
  readonly watchdog?: CourseWatchdog;
  /** Whether a journal was there: without one nothing is known of what was held in between. */
  readonly journal: boolean;
}

export const OUTCOMES = ['clean', 'degraded', 'forced'] as const;
export const STATUSES = ['ok', 'failed', 'timed-out', 'skipped'] as const;
export const BACKENDS = ['cuda', 'simulated', 'none'] as const;

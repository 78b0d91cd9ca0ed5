/** What stands in a journal: one JSON object a line. Its writer and its reader share these shapes. */

import type { ErrorDescription } from '../../shutdown/describe-error.js';
import type { HeldMemory, MeasuredDevice } from '../../common/device-memory.js';
import type { Phase, PlannedStep } from '../../shutdown/events.js';
import type { ShutdownReport, StepStatus } from '../../shutdown/report.js';

/** Milliseconds from the beginning of the shutdown, and the memory held then, where it is known. */
export interface Moment {
  readonly atMs: number;
  readonly held?: readonly HeldMemory[];
}

/** What is optional is missing where the watchdog wrote it, of a shutdown that JavaScript never saw. */
export interface BeginLine {
  readonly event: 'begin';
  readonly version: 1;
  readonly pid: number;
  readonly reason: string;
  readonly startedAt: string;
  readonly timeoutMs?: number;
  /** Missing where it is 0. */
  readonly delayMs?: number;
  readonly backend?: ShutdownReport['backend'];
  readonly steps?: readonly PlannedStep[];
  readonly held?: readonly HeldMemory[];
}

export interface StepLine extends Moment {
  readonly event: 'step';
  readonly name: string;
  readonly phase: Phase;
  readonly optional: boolean;
  readonly status: 'running' | StepStatus;
  readonly startMs: number;
  readonly durationMs?: number;
  readonly deadlineMs?: number;
  readonly error?: ErrorDescription;
  readonly details?: unknown;
}

export interface ProgressLine extends Moment {
  readonly event: 'progress';
  readonly name: string;
  readonly done: number;
  readonly total?: number;
  readonly text?: string;
}

export interface MemoryLine extends Moment {
  readonly event: 'memory';
  readonly when: 'before' | 'after';
  readonly devices: readonly MeasuredDevice[];
}

export interface ProblemLine extends Moment {
  readonly event: 'problem';
  readonly where: string;
  readonly error: ErrorDescription;
}

export interface EndLine extends Moment {
  readonly event: 'end';
  readonly outcome: ShutdownReport['outcome'];
  readonly exitCode: number;
}

/** Written by the native watchdog when it ends the process. */
export interface WatchdogLine extends Moment {
  readonly event: 'watchdog';
  readonly exitCode: number;
  readonly what: string;
  readonly pending: string;
}

export type JournalLine =
  BeginLine | StepLine | ProgressLine | MemoryLine | ProblemLine | EndLine | WatchdogLine;

/** The one stream of typed events that the sequence emits and every observer reads. */

import type { HeldMemory, MeasuredDevice } from '../common/device-memory.js';
import type { ShutdownReport, StepStatus } from './report.js';

/** The phases, in their order: one begins when the one before it has ended. */
export type Phase = 'intake' | 'service' | 'models' | 'device' | 'logs';

/** What an observer may want to know of a step before it runs. */
export interface PlannedStep {
  readonly name: string;
  readonly phase: Phase;
  readonly optional: boolean;
}

/** The first event: the shutdown has begun, and no step has. */
export interface BeginEvent {
  readonly reason: string;
  /** Wall-clock time at which the signal arrived, or `start()` was called. */
  readonly startedAt: Date;
  readonly timeoutMs: number;
  /** How long the service stays at work before the first phase begins: counts in `timeoutMs`. */
  readonly delayMs: number;
  readonly backend: 'cuda' | 'simulated' | 'none';
  readonly steps: readonly PlannedStep[];
  /** Here and below: at the moment of the event; undefined where there is no device. */
  readonly held?: readonly HeldMemory[];
}

/** A step began (`running`) or ended (every other status). */
export interface StepEvent {
  readonly name: string;
  readonly phase: Phase;
  readonly optional: boolean;
  readonly status: 'running' | StepStatus;
  /** Milliseconds from the beginning of the shutdown. */
  readonly startMs: number;
  /** Present once the step has ended. */
  readonly durationMs?: number;
  /** By when it must have ended, in milliseconds from the beginning of the shutdown. */
  readonly deadlineMs: number;
  readonly error?: Error;
  /** What the step gave back, as it goes into the report. */
  readonly details?: unknown;
  readonly held?: readonly HeldMemory[];
}

/** One of the things that a step works on, as a model: where it stands now. */
export interface ProgressItem {
  readonly name: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  /** What it waits for, or why it failed. */
  readonly text?: string;
}

/** What a step may say of its progress beyond the counts, for those who show it. */
export interface ProgressFacts {
  readonly bytes?: { readonly done: number; readonly total: number };
  /** The one that this event is about: who wants to know of all of them keeps the last of each. */
  readonly item?: ProgressItem;
}

/** A step told how far it is: in what unit is for the step to say, in `text`. */
export interface ProgressEvent extends ProgressFacts {
  readonly name: string;
  readonly done: number;
  readonly total?: number;
  readonly text?: string;
  readonly held?: readonly HeldMemory[];
}

/** The devices were read: at the beginning, and after the steps that free their memory. */
export interface MemoryEvent {
  readonly when: 'before' | 'after';
  readonly devices: readonly MeasuredDevice[];
}

/** Something went wrong outside the steps: a listener failed, or an error was never caught. */
export interface ProblemEvent {
  /** Where, as in the report's errors: `(observer)`, `(devices)`, `(threads)` or `(uncaught)`. */
  readonly where: string;
  readonly error: Error;
}

/**
 * The shutdown is about to be cut short, by a second signal or by an exit that somebody else began.
 * What a listener wants done must be done when it returns: a promise is not waited for, and after a
 * second signal the watchdog ends the process 250 ms later, whatever the listeners do. The
 * watchdog's own deadline emits nothing.
 */
export interface ForcedEvent {
  /** What cut it short, as `a second signal, SIGINT`. */
  readonly by: string;
  /** What the process ends with. */
  readonly exitCode: number;
  /** Milliseconds from the beginning of the shutdown. */
  readonly elapsedMs: number;
  /** The names of the steps that are left undone while they run. */
  readonly pending: readonly string[];
}

/**
 * The last event. The exit waits, with a bound, for promises that its listeners return; where the
 * report's outcome is `forced` it waits for nothing, and what a listener wants done must be
 * done when it returns.
 */
export interface EndEvent {
  readonly report: ShutdownReport;
}

/** The events by their names. */
export interface ShutdownEvents {
  begin: BeginEvent;
  step: StepEvent;
  progress: ProgressEvent;
  memory: MemoryEvent;
  problem: ProblemEvent;
  forced: ForcedEvent;
  end: EndEvent;
}

/** What a listener returns matters only for `end`. */
export type Listener<E extends keyof ShutdownEvents> = (event: ShutdownEvents[E]) => unknown;

/** All that an observer needs of a shutdown. */
export interface EventSource {
  /** Calls `listener` at every `event` from now on. */
  on<E extends keyof ShutdownEvents>(event: E, listener: Listener<E>): unknown;
}

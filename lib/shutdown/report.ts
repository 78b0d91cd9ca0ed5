/** The report of one shutdown: its shape is public and versioned. */

import type { MeasuredMemory } from '../common/device-memory.js';
import type { RemainingTensors } from '../common/errors.js';
import type { Phase } from './events.js';

/** How a step ended. `skipped`: it never began, as no time was left for it or the shutdown was cut short. */
export type StepStatus = 'ok' | 'failed' | 'timed-out' | 'skipped';

/** An error, as texts. Errors inside an `AggregateError` stand one by one. */
export interface ReportedError {
  /** The step in which it happened, or where else, as `(uncaught)` or `(observer)`. */
  readonly step: string;
  /** The error's class name. */
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  /** The message of the error's cause, with that of its own cause behind it. */
  readonly cause?: string;
}

/** What became of one step. */
export interface ReportedStep {
  readonly name: string;
  readonly status: StepStatus;
  /** Milliseconds from the beginning of the shutdown. */
  readonly startMs: number;
  readonly durationMs: number;
  /** This and the next are missing in reports of older versions. */
  readonly phase?: Phase;
  readonly optional?: boolean;
  /**
   * By when it had to have ended, in milliseconds from the beginning of the shutdown: what comes after is
   * kept for the steps behind it, or its own `timeoutMs` was over. Missing where its turn never came.
   */
  readonly deadlineMs?: number;
  /** The message of the error, where there was one; `errors` has the whole. */
  readonly error?: string;
  readonly details?: unknown;
}

/** One device's memory when the shutdown began, and before the phase `logs`. */
export interface ReportedDevice {
  readonly index: number;
  readonly name: string;
  /** Undefined where the device could not be read in time. */
  readonly before?: MeasuredMemory;
  readonly after?: MeasuredMemory;
}

/** What became of one model. */
export interface ReportedModel {
  readonly name: string;
  readonly status: 'unloaded' | 'already-unloaded' | 'failed';
  readonly freedBytes: number;
  readonly remainingBytes?: number;
  /** The tensors whose memory is held; where `verified` is false, those of which one or more may be. */
  readonly remainingTensors?: RemainingTensors;
  /** When its own time began, in milliseconds from the beginning of the shutdown, where that is known. */
  readonly startMs?: number;
  readonly durationMs: number;
  /** Whether the device confirmed what was freed; undefined where the unload failed. */
  readonly verified?: boolean | 'unverifiable';
  readonly error?: string;
}

/** All that is known of one shutdown when it has ended. `version` counts changes that break a reader. Times are milliseconds, sizes bytes. */
export interface ShutdownReport {
  readonly version: 1;
  /**
   * What set the shutdown off: a signal's name, `uncaughtException`, `unhandledRejection`,
   * `beforeExit`, or the text given to `start()`.
   */
  readonly reason: string;
  /** `clean`: every step ok. `degraded`: it finished, but not everything was ok. `forced`: cut short. */
  readonly outcome: 'clean' | 'degraded' | 'forced';
  readonly exitCode: number;
  readonly backend: 'cuda' | 'simulated' | 'none';
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** The time that it had. This and the next are missing in reports of older versions. */
  readonly timeoutMs?: number;
  /** How long the service stayed at work before the first step; where it was 0 too. */
  readonly delayMs?: number;
  readonly steps: readonly ReportedStep[];
  readonly errors: readonly ReportedError[];
  readonly models: readonly ReportedModel[];
  readonly devices: readonly ReportedDevice[];
}

/** Where a shutdown stands, as `/shutdown` tells it. Follows one shutdown, for that one's life. */

import type { BeginEvent, PlannedStep, StepEvent } from '../../shutdown/events.js';
import type { ShutdownReport } from '../../shutdown/report.js';
import type { Watched } from '../watched.js';

export interface CourseStep extends PlannedStep {
  readonly status: 'pending' | StepEvent['status'];
  readonly startMs?: number;
  readonly durationMs?: number;
  /** The message of its error. */
  readonly error?: string;
}

export interface Course {
  readonly state: 'running' | 'stopping' | 'ended';
  readonly reason?: string;
  readonly startedAt?: string;
  readonly elapsedMs?: number;
  readonly remainingMs?: number;
  readonly outcome?: ShutdownReport['outcome'];
  readonly exitCode?: number;
  readonly steps: readonly CourseStep[];
}

/** Answers what tells the course at any moment. */
export function followCourse(shutdown: Watched): () => Course {
  let begun: (BeginEvent & { readonly at: number }) | undefined;
  let report: ShutdownReport | undefined;
  const steps = new Map<string, CourseStep>();
  shutdown.on('begin', (event) => {
    begun = { ...event, at: performance.now() - (Date.now() - event.startedAt.getTime()) };
    for (const step of event.steps) steps.set(step.name, { ...step, status: 'pending' });
  });
  shutdown.on('step', ({ name, phase, optional, status, startMs, durationMs, error }) => {
    steps.set(name, {
      ...{ name, phase, optional, status, startMs },
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(error === undefined ? {} : { error: error.message }),
    });
  });
  shutdown.on('end', (event) => {
    report = event.report;
  });
  return () => {
    const list = [...steps.values()];
    if (begun === undefined) {
      return { state: shutdown.signal.aborted ? 'stopping' : 'running', steps: list };
    }
    const elapsedMs = Math.round(report?.durationMs ?? performance.now() - begun.at);
    return {
      state: report === undefined ? 'stopping' : 'ended',
      reason: begun.reason,
      startedAt: begun.startedAt.toISOString(),
      elapsedMs,
      remainingMs: report === undefined ? Math.max(0, Math.round(begun.timeoutMs - elapsedMs)) : 0,
      ...(report === undefined ? {} : { outcome: report.outcome, exitCode: report.exitCode }),
      steps: list,
    };
  };
}

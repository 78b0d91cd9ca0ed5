/** What the statuses of the steps mean for the process: pure. */

import type { ShutdownReport, StepStatus } from './report.js';

export interface Judged {
  readonly status: StepStatus;
  readonly optional: boolean;
}

/**
 * 1 when an error was never caught, or a step that is not optional did not end `ok`; else what the
 * service itself has set as `process.exitCode`; else 0.
 */
export function exitCodeOf(
  steps: readonly Judged[],
  serviceCode: number | string | null | undefined,
  crashed: boolean,
): number {
  if (crashed || steps.some((step) => step.status !== 'ok' && !step.optional)) return 1;
  const code = Number(serviceCode ?? 0);
  return Number.isInteger(code) ? code : 0;
}

export function outcomeOf(steps: readonly Judged[], crashed: boolean): ShutdownReport['outcome'] {
  return !crashed && steps.every((step) => step.status === 'ok') ? 'clean' : 'degraded';
}

/** The exit code of a process that a signal ended, as shells count it. */
export function signalExitCode(signalNumber: number): number {
  return 128 + signalNumber;
}

/** What has happened so far in one shutdown, and the report made of it. Lives as long as that shutdown. */

import type { MeasuredDevice } from '../common/device-memory.js';
import { expected } from '../common/expected.js';
import { describeError, flattenError, messageOf } from './describe-error.js';
import type { PlannedStep } from './events.js';
import type { Judged } from './exit-code.js';
import type {
  ReportedDevice,
  ReportedError,
  ReportedModel,
  ReportedStep,
  ShutdownReport,
} from './report.js';
import type { StepOutcome } from './run-step.js';

/** What of the report is known to the shutdown as a whole, not to its ledger. */
export type ReportFrame = Pick<
  ShutdownReport,
  | 'reason'
  | 'outcome'
  | 'exitCode'
  | 'backend'
  | 'startedAt'
  | 'durationMs'
  | 'timeoutMs'
  | 'delayMs'
>;

interface Line {
  readonly step: PlannedStep;
  startMs?: number;
  deadlineMs?: number;
  ended?: { readonly outcome: StepOutcome; readonly endMs: number };
}

export class Ledger {
  readonly #lines: ReadonlyMap<string, Line>;
  readonly #errors: ReportedError[] = [];
  readonly #devices = new Map<number, ReportedDevice>();

  constructor(steps: readonly PlannedStep[]) {
    this.#lines = new Map(steps.map((step) => [step.name, { step }]));
  }

  started(name: string, startMs: number, deadlineMs: number): void {
    const line = this.#line(name);
    line.startMs = startMs;
    line.deadlineMs = deadlineMs;
  }

  ended(name: string, outcome: StepOutcome, endMs: number): void {
    this.#line(name).ended = { outcome, endMs };
    if (outcome.error !== undefined) this.fault(name, outcome.error);
  }

  /** An error for the report, from a step or from elsewhere, as `(observer)`. */
  fault(where: string, error: Error): void {
    for (const one of flattenError(error))
      this.#errors.push({ step: where, ...describeError(one) });
  }

  measured(when: 'before' | 'after', devices: readonly MeasuredDevice[]): void {
    for (const { index, name, memory } of devices) {
      const known = this.#devices.get(index) ?? { index, name };
      this.#devices.set(index, memory === undefined ? known : { ...known, [when]: memory });
    }
  }

  /** The names of the steps that have started and not ended. */
  running(): readonly string[] {
    return [...this.#lines.values()]
      .filter((line) => line.startMs !== undefined && line.ended === undefined)
      .map((line) => line.step.name);
  }

  judged(): readonly Judged[] {
    return [...this.#lines.values()].map(({ step, ended }) => ({
      status: ended?.outcome.status ?? 'skipped',
      optional: step.optional,
    }));
  }

  /** Ends whatever has not ended: `failed` if it was running, else `skipped`. */
  cutShort(error: Error, endMs: number): void {
    for (const { step, startMs, ended } of this.#lines.values()) {
      if (ended !== undefined) continue;
      this.ended(step.name, { status: startMs === undefined ? 'skipped' : 'failed', error }, endMs);
    }
  }

  toReport(frame: ReportFrame): ShutdownReport {
    const steps = [...this.#lines.values()].map(reportedStep);
    return {
      version: 1,
      ...frame,
      steps,
      errors: [...this.#errors],
      models: steps.flatMap(({ details }) => modelsOf(details)),
      devices: [...this.#devices.values()],
    };
  }

  #line(name: string): Line {
    const line = this.#lines.get(name);
    if (line === undefined) throw new RangeError(expected('the step', 'a planned one', name));
    return line;
  }
}

function reportedStep({ step, startMs, deadlineMs, ended }: Line): ReportedStep {
  const outcome = ended?.outcome;
  const endMs = ended?.endMs ?? startMs ?? 0;
  return {
    name: step.name,
    status: outcome?.status ?? 'skipped',
    startMs: rounded(startMs ?? endMs),
    durationMs: rounded(endMs - (startMs ?? endMs)),
    phase: step.phase,
    optional: step.optional,
    ...(deadlineMs === undefined ? {} : { deadlineMs: rounded(deadlineMs) }),
    ...(outcome?.error === undefined ? {} : { error: messageOf(outcome.error) }),
    ...(outcome?.details === undefined ? {} : { details: outcome.details }),
  };
}

/** To a thousandth of a millisecond: what is behind it is noise. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function modelsOf(details: unknown): readonly ReportedModel[] {
  const models = (details as { models?: unknown } | null | undefined)?.models;
  return Array.isArray(models) ? (models as readonly ReportedModel[]) : [];
}

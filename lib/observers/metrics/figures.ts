/** The figures of one shutdown, whether it runs, has ended or was cut off: pure. */

import type { MeasuredDevice } from '../../common/device-memory.js';
import type { ReportedModel, ShutdownReport } from '../../shutdown/report.js';
import type { LastShutdown } from '../last-shutdown.js';

export interface Figures {
  /** Seconds since the epoch. */
  readonly startedAt: number;
  /** Milliseconds; of a shutdown that was cut off, up to the last that is known of it. */
  readonly durationMs: number;
  readonly outcome?: ShutdownReport['outcome'] | 'cut-off';
  readonly exitCode?: number;
  readonly steps: readonly StepFigures[];
  readonly modelsUnloaded: number;
  readonly modelsFailed: number;
  /** Bytes that each device had more free at the end, by its own count. */
  readonly freedBytes: ReadonlyMap<number, number>;
  readonly watchdogFirings: number;
}

export interface StepFigures {
  readonly name: string;
  readonly status: string;
  readonly durationMs: number;
}

export function figuresOf(last: LastShutdown): Figures {
  if (last.complete) {
    return {
      ...figuresOfReport(last.report),
      watchdogFirings: last.watchdog === undefined ? 0 : 1,
    };
  }
  const { startedAt, lastAtMs, steps, devices, end, watchdog } = last.journal;
  const exitCode = watchdog?.exitCode ?? end?.exitCode;
  return {
    startedAt: Date.parse(startedAt) / 1000,
    durationMs: lastAtMs,
    outcome: 'cut-off',
    ...(exitCode === undefined ? {} : { exitCode }),
    steps: steps
      .filter(({ status }) => status !== 'pending')
      .map(({ name, status, startMs = 0, durationMs = lastAtMs - startMs }) => ({
        name,
        status: status === 'running' ? 'cut-off' : status,
        durationMs: Math.max(0, durationMs),
      })),
    ...countModels(steps.flatMap(({ details }) => modelsIn(details))),
    freedBytes: freedBy(devices),
    watchdogFirings: watchdog === undefined ? 0 : 1,
  };
}

export function figuresOfReport(report: ShutdownReport): Figures {
  return {
    startedAt: Date.parse(report.startedAt) / 1000,
    durationMs: report.durationMs,
    outcome: report.outcome,
    exitCode: report.exitCode,
    steps: report.steps.map(({ name, status, durationMs }) => ({ name, status, durationMs })),
    ...countModels(report.models),
    freedBytes: freedBy(report.devices),
    watchdogFirings: 0,
  };
}

/** The models in the details of a step. */
export function modelsIn(details: unknown): readonly Partial<ReportedModel>[] {
  const models = (details as { models?: unknown } | null | undefined)?.models;
  return Array.isArray(models) ? (models as Partial<ReportedModel>[]) : [];
}

export function countModels(
  models: readonly Partial<ReportedModel>[],
): Pick<Figures, 'modelsUnloaded' | 'modelsFailed'> {
  const count = (status: string): number => models.filter((one) => one.status === status).length;
  return { modelsUnloaded: count('unloaded'), modelsFailed: count('failed') };
}

export function freedBy(
  devices: readonly (MeasuredDevice & Partial<ShutdownReport['devices'][number]>)[],
): ReadonlyMap<number, number> {
  return new Map(
    devices.flatMap(({ index, before, after }) =>
      before === undefined || after === undefined
        ? []
        : [[index, Math.max(0, after.free - before.free)] as const],
    ),
  );
}

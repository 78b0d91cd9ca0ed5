/** What a report says, checked value by value: pure. */

import type { MeasuredMemory } from '../../common/device-memory.js';
import type { ReportedError } from '../../shutdown/report.js';
import { PHASES } from '../../shutdown/step.js';
import {
  BACKENDS,
  OUTCOMES,
  STATUSES,
  type Course,
  type CourseDevice,
  type CourseModel,
  type CourseStep,
} from './course.js';
import { amount, fields, finite, known, list, oneOf, text } from './values.js';

export function isReport(value: unknown): boolean {
  const { version, steps } = fields(value);
  return version === 1 && Array.isArray(steps);
}

export function courseOfReport(report: unknown): Course {
  const given = fields(report);
  const steps = list(given.steps);
  return known({
    startedAt: text(given.startedAt) ?? '',
    reason: text(given.reason) ?? '(unknown)',
    outcome: oneOf(OUTCOMES, given.outcome) ?? 'forced',
    exitCode: finite(given.exitCode),
    backend: oneOf(BACKENDS, given.backend),
    durationMs: amount(given.durationMs) ?? 0,
    timeoutMs: amount(given.timeoutMs),
    delayMs: amount(given.delayMs),
    steps: steps.map(stepOf),
    models: modelsOf(steps, given.models),
    devices: list(given.devices).map(deviceOf),
    errors: list(given.errors).map(errorOf),
    journal: false,
  });
}

export function stepOf(value: unknown): CourseStep {
  const given = fields(value);
  const status = oneOf(STATUSES, given.status) ?? 'skipped';
  const startMs = status === 'skipped' ? undefined : amount(given.startMs);
  const took = amount(given.durationMs);
  return known({
    name: text(given.name) ?? '(unnamed)',
    status,
    phase: oneOf(PHASES, given.phase),
    optional: given.optional === true,
    startMs,
    endMs: startMs === undefined || took === undefined ? undefined : startMs + took,
    deadlineMs: amount(given.deadlineMs),
    error: text(given.error),
  });
}

/** Those in the steps' own details know their step; the report's list is theirs, put together. */
export function modelsOf(steps: readonly unknown[], all: unknown): readonly CourseModel[] {
  const ofSteps = steps.flatMap((step) => {
    const { name, details } = fields(step);
    return list(fields(details).models).map((model) => modelOf(model, text(name)));
  });
  return ofSteps.length > 0 ? ofSteps : list(all).map((model) => modelOf(model, undefined));
}

const MODEL_STATUSES = ['unloaded', 'already-unloaded', 'failed'] as const;

function modelOf(value: unknown, step: string | undefined): CourseModel {
  const given = fields(value);
  const { verified } = given;
  return known({
    name: text(given.name) ?? '(unnamed)',
    step,
    status: oneOf(MODEL_STATUSES, given.status) ?? 'failed',
    freedBytes: amount(given.freedBytes) ?? 0,
    remainingBytes: amount(given.remainingBytes),
    startMs: amount(given.startMs),
    durationMs: amount(given.durationMs) ?? 0,
    verified: typeof verified === 'boolean' || verified === 'unverifiable' ? verified : undefined,
    error: text(given.error),
  });
}

function deviceOf(value: unknown): CourseDevice {
  const { index, name, before, after } = fields(value);
  return known({
    index: amount(index) ?? 0,
    name: text(name) ?? '',
    before: memoryOf(before),
    after: memoryOf(after),
    held: [],
  });
}

export function memoryOf(value: unknown): MeasuredMemory | undefined {
  const { free, total, allocated, reserved, process } = fields(value);
  const [isFree, isTotal] = [amount(free), amount(total)];
  if (isFree === undefined || isTotal === undefined) return undefined;
  const { bytes, source } = fields(process);
  const held = amount(bytes);
  const by = oneOf(['nvml', 'device-delta'], source);
  return {
    free: isFree,
    total: isTotal,
    allocated: amount(allocated) ?? 0,
    reserved: amount(reserved) ?? 0,
    ...(held === undefined || by === undefined ? {} : { process: { bytes: held, source: by } }),
  };
}

export function errorOf(value: unknown): ReportedError {
  const given = fields(value);
  return known({
    step: text(given.step) ?? '(unknown)',
    name: text(given.name) ?? 'Error',
    message: text(given.message) ?? '',
    code: text(given.code),
    stack: text(given.stack),
    cause: text(given.cause),
  });
}

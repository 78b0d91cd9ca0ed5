/** What a step is, for those who write one, and the check of what they wrote. */

import { expected } from '../common/expected.js';
import { nonEmptyString, nonNegativeMs, optionalBoolean, positiveMs } from '../common/options.js';
import type { Phase } from './events.js';
import type { Logger } from './logger.js';

/** The phases in their order. One begins when the one before it has ended. */
export const PHASES: readonly Phase[] = ['intake', 'service', 'models', 'device', 'logs'];

/** What a step is given to work with. */
export interface StepContext {
  /** Aborts at the step's deadline, with a `TimeoutError` as its reason. */
  readonly signal: AbortSignal;
  /** When the shutdown began, in the time of `performance.now()`. */
  readonly startedAt: number;
  /** When the step's time is over, in the time of `performance.now()`. */
  readonly deadline: number;
  /** Milliseconds until the deadline, never below 0. */
  readonly remainingMs: () => number;
  /** What set the shutdown off. */
  readonly reason: string;
  /** The `logger` option; without one, a logger that writes nowhere. Never throws. */
  readonly logger: Logger;
  /** Says how far the step is; shown by the console. */
  readonly progress: (done: number, total?: number, text?: string) => void;
}

/** Where a step stands in the order, and what time it has. */
export interface StepOptions {
  /** Default `service`. */
  readonly phase?: Phase | undefined;
  /** Names of steps that must have ended (however they ended) before this one begins. */
  readonly after?: readonly string[] | undefined;
  /** Milliseconds that this step may take at most. Default: what the others leave. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds that the steps before this one must leave for it. Default 0. */
  readonly reserveMs?: number | undefined;
  /** A failure of an optional step does not change the exit code. Default false. */
  readonly optional?: boolean | undefined;
}

/**
 * One piece of work of a shutdown. What `run` returns (or resolves with) goes into the report as the
 * step's `details`; so does the `details` property of an error that it throws. `details.models`, an
 * array of `ReportedModel`, also goes into the report's `models`. Each error inside an
 * `AggregateError` becomes an entry of its own in the report's `errors`.
 */
export interface Step extends StepOptions {
  readonly name: string;
  run(context: StepContext): unknown;
}

/** Marks a step that asks the shutdowns of worker threads. */
export const ASKS_THREADS = Symbol('asks the shutdowns of worker threads');

/** A step with its defaults, checked. */
export interface ResolvedStep {
  readonly name: string;
  readonly run: (context: StepContext) => unknown;
  readonly phase: Phase;
  readonly after: readonly string[];
  readonly timeoutMs: number;
  readonly reserveMs: number;
  readonly optional: boolean;
  readonly asksThreads: boolean;
}

/** @throws TypeError or RangeError that names what is wrong with the step. */
export function resolveStep(step: Step): ResolvedStep {
  if (typeof step !== 'object' || (step as unknown) === null) {
    throw new TypeError(expected('the step', 'an object with a name and a run function', step));
  }
  const name = nonEmptyString("the step's name", step.name);
  const { run } = step as { run?: unknown };
  if (typeof run !== 'function') {
    throw new TypeError(expected(`\`run\` of the step \`${name}\``, 'a function', run));
  }
  return {
    name,
    run: (context) => step.run(context),
    phase: phase(step.phase),
    after: names(step.after),
    timeoutMs: positiveMs('timeoutMs', step.timeoutMs, Infinity),
    reserveMs: nonNegativeMs('reserveMs', step.reserveMs, 0),
    optional: optionalBoolean('optional', step.optional, false),
    asksThreads: ASKS_THREADS in step,
  };
}

function phase(value: Phase | undefined): Phase {
  if (value === undefined) return 'service';
  const message = (): string =>
    expected('the `phase` option', `one of ${PHASES.join(', ')}`, value);
  if (typeof value !== 'string') throw new TypeError(message());
  if (!PHASES.includes(value)) throw new RangeError(message());
  return value;
}

function names(value: readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw new TypeError(expected('the `after` option', 'an array of step names', value));
  }
  return value.map((name) => nonEmptyString('each name of the `after` option', name));
}

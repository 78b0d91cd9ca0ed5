/** Runs one step up to its deadline, whatever it does. Never rejects. */

import { LazyAbort } from '../common/abort.js';
import { TimeoutError, toError } from '../common/errors.js';
import { within } from '../common/within.js';
import type { StepStatus } from './report.js';
import type { ResolvedStep, StepContext } from './step.js';

export interface StepOutcome {
  readonly status: StepStatus;
  readonly error?: Error;
  readonly details?: unknown;
}

/**
 * How long the sequence still listens to a step whose signal it has aborted: what the step hands over
 * in this time (how much was freed, how many requests were cut) reaches the report.
 */
export const LAST_WORDS_MS = 25;

type Settlement = { readonly details: unknown } | { readonly thrown: unknown };

/** What a step is told that does not depend on its time. */
export type StepSurroundings = Pick<StepContext, 'startedAt' | 'reason' | 'logger' | 'progress'>;

/** `deadline` is in the time of `performance.now()`. */
export async function runStep(
  step: ResolvedStep,
  deadline: number,
  surroundings: StepSurroundings,
): Promise<StepOutcome> {
  const limitMs = deadline - performance.now();
  if (limitMs <= 0) {
    return {
      status: 'skipped',
      error: new TimeoutError(`The step \`${step.name}\` was skipped: no time was left for it`),
    };
  }
  const lease = leaseContext(deadline, surroundings);
  const settled = settle(step, lease.context);
  const intime = await within(settled, limitMs);
  const outcome =
    intime === undefined ? await cut(step, lease, settled, limitMs) : outcomeOf(intime);
  lease.end();
  return outcome;
}

/** The step's time is over: its signal aborts, and it may still say a last word. */
async function cut(
  step: ResolvedStep,
  lease: ContextLease,
  settled: Promise<Settlement>,
  limitMs: number,
): Promise<StepOutcome> {
  const timeout = new TimeoutError(
    `The step \`${step.name}\` did not end within ${Math.round(limitMs)} ms`,
  );
  lease.abort(timeout);
  return timedOut(timeout, await within(settled, LAST_WORDS_MS));
}

/** A step's context, for as long as the sequence listens to the step. */
interface ContextLease {
  readonly context: StepContext;
  abort(reason: Error): void;
  /** From here on the step's progress is nobody's concern. */
  end(): void;
}

function leaseContext(deadline: number, surroundings: StepSurroundings): ContextLease {
  const aborted = new LazyAbort();
  let over = false;
  return {
    context: {
      startedAt: surroundings.startedAt,
      reason: surroundings.reason,
      logger: surroundings.logger,
      get signal() {
        return aborted.signal;
      },
      deadline,
      remainingMs: () => Math.max(0, deadline - performance.now()),
      progress: (done, total, text, facts) => {
        if (!over) surroundings.progress(done, total, text, facts);
      },
    },
    abort: (reason) => {
      aborted.abort(() => reason);
    },
    end: () => {
      over = true;
    },
  };
}

/** Resolves however the step ends, so that a late rejection is nobody's unhandled one. */
async function settle(step: ResolvedStep, context: StepContext): Promise<Settlement> {
  try {
    return { details: await step.run(context) };
  } catch (thrown) {
    return { thrown };
  }
}

function outcomeOf(settlement: Settlement): StepOutcome {
  if ('details' in settlement) return { status: 'ok', details: settlement.details };
  const error = toError(settlement.thrown);
  return { status: 'failed', error, details: detailsOf(error) };
}

function timedOut(timeout: TimeoutError, late: Settlement | undefined): StepOutcome {
  if (late === undefined) return { status: 'timed-out', error: timeout };
  if ('details' in late) return { status: 'timed-out', error: timeout, details: late.details };
  const said = toError(late.thrown);
  // A step that only passes its signal's reason on says nothing new.
  const errors = said === timeout || said.cause === timeout ? [timeout] : [timeout, said];
  return {
    status: 'timed-out',
    error: errors.length === 1 ? timeout : new AggregateError(errors, timeout.message),
    details: detailsOf(said),
  };
}

function detailsOf(error: Error): unknown {
  return (error as { details?: unknown }).details;
}

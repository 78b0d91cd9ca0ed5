/** Runs one step up to its deadline, whatever it does. Never rejects. */

import { TimeoutError } from '../common/errors.js';
import { toError } from '../common/errors.js';
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

/** `deadline` is in the time of `performance.now()`. */
export async function runStep(
  step: ResolvedStep,
  deadline: number,
  context: Pick<StepContext, 'startedAt' | 'reason' | 'logger' | 'progress'>,
): Promise<StepOutcome> {
  const limitMs = deadline - performance.now();
  if (limitMs <= 0) {
    return {
      status: 'skipped',
      error: new TimeoutError(`The step \`${step.name}\` was skipped: no time was left for it`),
    };
  }
  const controller = new AbortController();
  let ended = false;
  const settled = settle(step, {
    ...context,
    signal: controller.signal,
    deadline,
    remainingMs: () => Math.max(0, deadline - performance.now()),
    progress: (...args) => {
      if (!ended) context.progress(...args);
    },
  });
  const intime = await within(settled, limitMs);
  if (intime !== undefined) {
    ended = true;
    return outcomeOf(intime);
  }
  const timeout = new TimeoutError(
    `The step \`${step.name}\` did not end within ${Math.round(limitMs)} ms`,
  );
  controller.abort(timeout);
  const late = await within(settled, LAST_WORDS_MS);
  ended = true;
  return timedOut(timeout, late);
}

/** Resolves however the step ends, so that a late rejection is nobody's unhandled one. */
async function settle(step: ResolvedStep, context: StepContext): Promise<Settlement> {
  try {
    return { details: await step.run(context) };
  } catch (thrown) {
    return { thrown };
  }
}

/** Undefined when `ms` pass first. The timer holds the event loop: it must not end in silence. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
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

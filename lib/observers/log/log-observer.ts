/** Writes structured entries to the service's own logger. */

import {
  describeError,
  flattenError,
  type ErrorDescription,
} from '../../shutdown/describe-error.js';
import type { EventSource, StepEvent } from '../../shutdown/events.js';
import { guardLogger, type Logger } from '../../shutdown/logger.js';

/**
 * An entry for the beginning, for every step that ends and for the end. The phase `logs` ends the
 * logger: the summary is written when its first step starts, else at the end.
 */
export function logObserver(shutdown: EventSource, target: Logger): void {
  const logger = guardLogger(target);
  const counts = { ok: 0, failed: 0, 'timed-out': 0, skipped: 0 };
  let began = { reason: '', at: performance.now() };
  let summarised = false;

  const summarise = (facts: object): void => {
    if (summarised) return;
    summarised = true;
    const good = counts.failed + counts['timed-out'] + counts.skipped === 0;
    logger[good ? 'info' : 'error']('Shutdown summary', {
      reason: began.reason,
      durationMs: Math.round(performance.now() - began.at),
      steps: { ...counts },
      ...facts,
    });
  };

  shutdown.on('begin', ({ reason, startedAt, timeoutMs, delayMs, backend, steps }) => {
    ignoreErrors(target);
    began = { reason, at: performance.now() - (Date.now() - startedAt.getTime()) };
    const names = steps.map((step) => step.name);
    logger.info('Shutdown began', {
      reason,
      timeoutMs,
      ...(delayMs > 0 ? { delayMs } : {}),
      backend,
      steps: names,
    });
    if (backend === 'simulated') {
      logger.warn('The CUDA backend is simulated: no GPU memory is held or freed', { backend });
    }
  });
  shutdown.on('step', (event) => {
    if (event.status === 'running') {
      if (event.phase === 'logs') summarise({});
      return;
    }
    counts[event.status] += 1;
    logger[levelOf(event)](`Shutdown step ${event.name}: ${event.status}`, {
      step: event.name,
      status: event.status,
      durationMs: event.durationMs,
      ...(event.details === undefined ? {} : { details: event.details }),
      ...errorFacts(event.error),
    });
  });
  shutdown.on('problem', ({ where, error }) => {
    logger.error(`Shutdown problem in ${where}`, { step: where, ...errorFacts(error) });
  });
  shutdown.on('end', ({ report: { outcome, exitCode } }) => {
    summarise({ outcome, exitCode });
  });
}

function levelOf(event: StepEvent): 'info' | 'warn' | 'error' {
  if (event.status === 'ok') return 'info';
  return event.optional ? 'warn' : 'error';
}

function errorFacts(error: Error | undefined): {
  error?: ErrorDescription;
  errors?: ErrorDescription[];
} {
  if (error === undefined) return {};
  const inner = flattenError(error);
  const several = inner.length > 1 ? { errors: inner.map(describeError) } : {};
  return { error: describeError(error), ...several };
}

/** A logger that is a stream reports a full disk as an `error` event: fatal where nobody listens. */
function ignoreErrors(logger: Logger): void {
  const { on } = logger as { on?: unknown };
  if (typeof on === 'function') on.call(logger, 'error', () => undefined);
}

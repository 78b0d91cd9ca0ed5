/** Runs a shutdown of nothing, so that the real one finds its code compiled and what it needs loaded. */

import { Emitter } from './emitter.js';
import { writesAtExit } from './exit.js';
import { guardLogger } from './logger.js';
import { planSteps } from './plan.js';
import { Redactor } from './redact.js';
import { Run } from './run.js';
import { resolveStep, type ResolvedStep } from './step.js';

/**
 * Takes some ten milliseconds once, in a turn of the event loop that holds nothing up, and leaves nothing
 * behind: it has no observers and no host, and does not end the process. Answers what calls it off.
 */
export function rehearseSoon(): () => void {
  const soon = setImmediate(rehearse).unref();
  return () => {
    clearImmediate(soon);
  };
}

/** So many that V8 has seen enough of the code that each step runs through. */
const STEPS = 48;

function step(_: unknown, index: number): ResolvedStep {
  return resolveStep({ name: `rehearsal ${index}`, run: () => undefined });
}

function rehearse(): void {
  const run = new Run({
    plan: planSteps(Array.from({ length: STEPS }, step)),
    reason: 'rehearsal',
    timeoutMs: 1000,
    delayMs: 0,
    exit: false,
    logger: guardLogger(undefined),
    host: {
      backend: () => 'none',
      measureDevices: () => Promise.resolve([]),
      heldMemory: () => [],
    },
    emitter: new Emitter(() => undefined),
    abort: () => undefined,
    over: () => undefined,
    redactor: new Redactor(undefined, () => undefined),
  });
  void run.begin();
  writesAtExit(process.env, process.execArgv);
}

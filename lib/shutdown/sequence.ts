/** One run of the steps: phase by phase, each step within its deadline. Tells the ledger and the observers. */

import type { HeldMemory } from '../common/device-memory.js';
import { toError } from '../common/errors.js';
import { shareTime, type Budget } from './budget.js';
import type { Emitter } from './emitter.js';
import type { Phase, PlannedStep } from './events.js';
import type { ShutdownHost } from './host.js';
import type { Ledger } from './ledger.js';
import { rounded } from './ledger.js';
import type { Logger } from './logger.js';
import { Pending } from './pending.js';
import type { Plan, PlanEntry } from './plan.js';
import type { Redactor } from './redact.js';
import { runStep, type StepOutcome, type StepSurroundings } from './run-step.js';
import { PHASES } from './step.js';

/** How long the devices may take to be read: nobody waits for the first, the logs wait for the last. */
const MEASURE_BEFORE_MS = 2000;
const MEASURE_AFTER_MS = 500;

export interface SequenceInput {
  readonly plan: Plan;
  readonly timeoutMs: number;
  readonly delayMs: number;
  /** When the shutdown began, in the time of `performance.now()`. */
  readonly beganAt: number;
  readonly reason: string;
  readonly logger: Logger;
  readonly host: ShutdownHost;
  readonly ledger: Ledger;
  readonly emitter: Emitter;
  readonly redactor: Redactor;
  /** Told the names of the running steps, as one text, whenever they change. */
  readonly pending: (names: string) => void;
  /** Something went wrong outside the steps. */
  readonly problem: (where: string, error: Error) => void;
}

/** Milliseconds from the beginning of the shutdown. */
interface StepTimes {
  readonly startMs: number;
  readonly deadlineMs: number;
}

export function plannedSteps(plan: Plan): readonly PlannedStep[] {
  return plan.map(({ step, phase }) => ({ name: step.name, phase, optional: step.optional }));
}

/** As it stands in events; nothing where there is no device. */
export function heldNow(host: ShutdownHost): { readonly held?: readonly HeldMemory[] } {
  const held = host.heldMemory();
  return held.length === 0 ? {} : { held };
}

export class Sequence {
  readonly #input: SequenceInput;
  readonly #budget: Budget;
  readonly #logger: Logger;
  readonly #pending: Pending;
  /** How far the reading of the devices is: a first reading that comes too late would mislead. */
  #measured: 'no' | 'before' | 'over' = 'no';
  /** Set by `stop()`: nothing that is still under way says anything any more. */
  #stopped = false;

  constructor(input: SequenceInput) {
    this.#input = input;
    this.#pending = new Pending(input.pending);
    this.#logger = input.redactor.logger(input.logger);
    this.#budget = shareTime(input.plan, input.timeoutMs, input.delayMs);
  }

  /** Never rejects. */
  async run(): Promise<void> {
    void this.#measure('before', MEASURE_BEFORE_MS);
    for (const phase of PHASES) {
      if (phase === 'logs') await this.#measureAfter();
      await this.#runPhase(phase);
    }
    this.#pending.over();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #runPhase(phase: Phase): Promise<void> {
    const ended = new Map<string, Promise<void>>();
    const entries = this.#input.plan.filter((one) => one.phase === phase);
    // All at once: one that blocks JavaScript keeps those behind it from beginning.
    const first = entries.filter(({ needs }) => needs.length === 0);
    this.#pending.began(first.map(({ step }) => step.name));
    for (const entry of entries) {
      const needs = entry.needs.map((name) => ended.get(name));
      // Without needs a step begins in this very turn, so that steps side by side begin together.
      const run = needs.length === 0 ? this.#runStep(entry) : this.#runAfter(needs, entry);
      ended.set(entry.step.name, run);
    }
    await Promise.all(ended.values());
  }

  async #runAfter(needs: readonly unknown[], entry: PlanEntry): Promise<void> {
    await Promise.all(needs);
    this.#pending.began([entry.step.name]);
    await this.#runStep(entry);
  }

  async #runStep(entry: PlanEntry): Promise<void> {
    if (this.#stopped) return;
    const times = this.#began(entry);
    const deadline = this.#input.beganAt + times.deadlineMs;
    const outcome = await runStep(entry.step, deadline, this.#surroundings(entry.step.name));
    // stop() may have been called meanwhile, which the compiler cannot see.
    if (!this.#hasStopped()) this.#ended(entry, times, outcome);
  }

  #began({ step, phase }: PlanEntry): StepTimes {
    const { host, ledger, emitter } = this.#input;
    const startMs = this.#elapsed();
    const deadlineMs = this.#budget.deadline(step.name, startMs);
    ledger.started(step.name, startMs, deadlineMs);
    void emitter.emit('step', {
      name: step.name,
      phase,
      optional: step.optional,
      startMs: rounded(startMs),
      deadlineMs: rounded(deadlineMs),
      status: 'running',
      ...heldNow(host),
    });
    return { startMs, deadlineMs };
  }

  #surroundings(name: string): StepSurroundings {
    return {
      startedAt: this.#input.beganAt,
      reason: this.#input.reason,
      logger: this.#logger,
      progress: (done, total, text, facts = {}) => {
        if (this.#stopped) return;
        const { host, emitter, redactor } = this.#input;
        void emitter.emit('progress', {
          name,
          done,
          ...(total === undefined ? {} : { total }),
          ...(text === undefined ? {} : { text: redactor.text(text) }),
          ...(facts.bytes === undefined ? {} : { bytes: facts.bytes }),
          ...(facts.item === undefined ? {} : { item: redactor.item(facts.item) }),
          ...heldNow(host),
        });
      },
    };
  }

  #ended({ step, phase }: PlanEntry, times: StepTimes, raw: StepOutcome): void {
    const { startMs, deadlineMs } = times;
    const { host, ledger, emitter, redactor } = this.#input;
    const { status, error, details } = raw;
    const outcome = {
      status,
      ...(error === undefined ? {} : { error: redactor.error(error) }),
      ...(details === undefined ? {} : { details: redactor.value(details) }),
    };
    const endMs = this.#elapsed();
    ledger.ended(step.name, outcome, endMs);
    this.#pending.ended(step.name);
    void emitter.emit('step', {
      name: step.name,
      phase,
      optional: step.optional,
      startMs: rounded(startMs),
      deadlineMs: rounded(deadlineMs),
      ...outcome,
      durationMs: rounded(endMs - startMs),
      ...heldNow(host),
    });
  }

  async #measureAfter(): Promise<void> {
    const before = this.#measured;
    this.#measured = 'over';
    const leftMs = this.#budget.endMs - this.#elapsed();
    if (before === 'before' && leftMs > 0)
      await this.#measure('after', Math.min(MEASURE_AFTER_MS, leftMs / 2));
  }

  async #measure(when: 'before' | 'after', timeoutMs: number): Promise<void> {
    const { emitter, host, ledger, problem } = this.#input;
    if (host.backend() === 'none') return;
    try {
      const devices = await host.measureDevices(timeoutMs);
      if (this.#hasStopped() || (when === 'before' && this.#measured === 'over')) return;
      ledger.measured(when, devices);
      void emitter.emit('memory', { when, devices });
      if (when === 'before') this.#measured = 'before';
    } catch (thrown) {
      problem('(devices)', toError(thrown));
    }
  }

  #hasStopped(): boolean {
    return this.#stopped;
  }

  #elapsed(): number {
    return performance.now() - this.#input.beganAt;
  }
}

/** One shutdown from its beginning to the exit: time, report and end of the process. */

import { toError } from '../common/errors.js';
import { Delay } from './delay.js';
import type { Emitter } from './emitter.js';
import { exitCodeOf, outcomeOf } from './exit-code.js';
import { endThreadBy, leave, sealExit } from './exit.js';
import type { ShutdownHost } from './host.js';
import { Ledger, rounded } from './ledger.js';
import type { Logger } from './logger.js';
import { holdLoop } from './natural-end.js';
import type { Plan } from './plan.js';
import type { Redactor } from './redact.js';
import type { ShutdownReport } from './report.js';
import { heldNow, plannedSteps, Sequence } from './sequence.js';
import { flushStdio, guardStdio } from './stdio.js';

/** Bounds of what follows the steps; each may take at most half of the time that is left. */
const OBSERVERS_MS = 5000;
const FLUSH_MS = 1000;

/** An error that is thrown again and again must not fill the memory. */
const MAX_CRASHES = 50;

export interface RunInput {
  readonly plan: Plan;
  readonly reason: string;
  readonly timeoutMs: number;
  /** How long the service stays at work first, from the arrival of the signal. */
  readonly delayMs: number;
  readonly exit: boolean;
  readonly logger: Logger;
  readonly host: ShutdownHost;
  readonly emitter: Emitter;
  /** Aborts the shutdown's signal: the service's work is to end. */
  readonly abort: () => void;
  /** Called when an `exit: false` has ended. */
  readonly over: () => void;
  readonly redactor: Redactor;
}

export class Run {
  readonly #input: RunInput;
  readonly #ledger: Ledger;
  readonly #sequence: Sequence;
  readonly #beganAt: number;
  readonly #startedAt: Date;
  #report: ShutdownReport | undefined;
  #crashes = 0;
  #firstCrash: Error | undefined;
  #delay: Delay | undefined;
  /** True once an `exit: false` has ended: the process goes on. */
  finished = false;

  constructor(input: RunInput) {
    const { host, plan } = input;
    this.#input = input;
    // The time counts from the signal's arrival, which JavaScript may have seen late.
    const ageMs = host.watchdog?.arrival()?.ageMs ?? 0;
    this.#beganAt = performance.now() - ageMs;
    this.#startedAt = new Date(Date.now() - ageMs);
    this.#ledger = new Ledger(plannedSteps(plan));
    this.#sequence = new Sequence({
      ...input,
      beganAt: this.#beganAt,
      ledger: this.#ledger,
      pending: (names) => host.watchdog?.setPending(names),
      problem: (where, error) => {
        this.problem(where, error);
      },
    });
  }

  async begin(): Promise<ShutdownReport> {
    const { abort, delayMs, emitter, exit, host, plan, reason, timeoutMs } = this.#input;
    host.watchdog?.begin(reason);
    const unguard = guardStdio();
    // Native work under way and a step that waits for nothing must not end the process in silence.
    const unhold = holdLoop();
    process.on('exit', this.#exiting);
    void emitter.emit('begin', {
      reason,
      startedAt: this.#startedAt,
      timeoutMs,
      delayMs,
      backend: host.backend(),
      steps: plannedSteps(plan),
      ...heldNow(host),
    });
    this.#missThreads();
    if (delayMs > 0 && this.#crashes === 0) {
      host.watchdog?.setPending('(delay)');
      this.#delay = new Delay(Math.max(0, delayMs - this.#elapsed()));
      await this.#delay.ended;
    }
    abort();
    await this.#sequence.run();

    const judged = this.#ledger.judged();
    const crashed = this.#crashes > 0;
    const exitCode = exitCodeOf(judged, process.exitCode, crashed);
    if (exit) {
      host.watchdog?.decide(exitCode);
      sealExit(exitCode, host);
    }
    const report = this.#close(outcomeOf(judged, crashed), exitCode);
    host.watchdog?.setPending('(report)');
    await this.#observersHaveEnded(emitter.emit('end', { report }));
    if (exit) {
      // Those who await start() come first; then the process ends.
      setImmediate(() => void this.#exit(exitCode));
    } else {
      host.watchdog?.finish();
      unguard();
      unhold();
      this.finished = true;
      // The process goes on, or ends by itself: after a crash never with 0.
      if (this.#crashes > 0 && Number(process.exitCode ?? 0) === 0) process.exitCode = 1;
      this.#input.over();
    }
    return report;
  }

  /** Ends the process at once. What the steps had reached goes into the report. */
  cutShort(by: string, exitCode: number): never {
    const { exit, host } = this.#input;
    // Every step has ended: the exit that is under way only has to hurry.
    if (this.#report !== undefined) leave(exit ? this.#report.exitCode : exitCode, host);
    this.#force(by, exitCode);
    leave(exitCode, host);
  }

  /** All of it in one turn: nothing asynchronous runs any more. */
  #force(by: string, exitCode: number): void {
    const { emitter, host } = this.#input;
    host.watchdog?.decide(exitCode);
    this.#sequence.stop();
    const elapsedMs = rounded(this.#elapsed());
    void emitter.emit('forced', { by, exitCode, elapsedMs, pending: this.#ledger.running() });
    this.#ledger.cutShort(new Error(`Cut short by ${by}`), this.#elapsed());
    void emitter.emit('end', { report: this.#close('forced', exitCode) });
  }

  /** Somebody has called `process.exit()`, or threw where `uncaught` is false: steps are left undone. */
  readonly #exiting = (code: number): void => {
    const exitCode = code === 0 ? 1 : code;
    this.#force('an exit of the process', exitCode);
    sealExit(exitCode, this.#input.host);
  };

  /** Something went wrong outside the steps; `tell` is false when telling it went wrong as well. */
  problem(where: string, thrown: Error, tell = true): void {
    const error = this.#input.redactor.error(thrown);
    this.#ledger.fault(where, error);
    if (tell) void this.#input.emitter.emit('problem', { where, error });
  }

  /** An error that nobody caught: it began this shutdown, or it came while it ran. */
  crashed(error: Error): void {
    this.#crashes += 1;
    this.#firstCrash ??= error;
    if (this.#crashes <= MAX_CRASHES) this.problem('(uncaught)', error);
    this.#delay?.cutShort();
  }

  #close(outcome: ShutdownReport['outcome'], exitCode: number): ShutdownReport {
    process.off('exit', this.#exiting);
    this.#report = this.#ledger.toReport({
      reason: this.#input.reason,
      outcome,
      exitCode,
      backend: this.#input.host.backend(),
      startedAt: this.#startedAt.toISOString(),
      durationMs: rounded(this.#elapsed()),
      timeoutMs: this.#input.timeoutMs,
      delayMs: this.#input.delayMs,
    });
    return this.#report;
  }

  async #observersHaveEnded(settled: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<Error>((resolve) => {
      const ms = this.#shareOfRest(OBSERVERS_MS);
      timer = setTimeout(() => {
        resolve(new Error(`A listener of \`end\` did not settle within ${Math.round(ms)} ms`));
      }, ms);
    });
    const late = await Promise.race([settled, over]);
    clearTimeout(timer);
    if (late instanceof Error) this.problem('(observer)', toError(late));
  }

  async #exit(exitCode: number): Promise<void> {
    const { host } = this.#input;
    host.watchdog?.setPending('(exit)');
    await flushStdio(this.#shareOfRest(FLUSH_MS));
    if (host.thread !== undefined) {
      await host.thread.mayEnd();
      if (this.#firstCrash !== undefined) {
        endThreadBy(this.#firstCrash, exitCode);
        return;
      }
    }
    leave(exitCode, host);
  }

  /** Worker threads whose shutdowns nobody asks for would be cut off by the end of the process. */
  #missThreads(): void {
    const { host, plan } = this.#input;
    const threads = host.threads?.() ?? [];
    if (threads.length === 0 || plan.some(({ step }) => step.asksThreads)) return;
    const message = `Worker threads have shutdowns of their own, and no step asks for them (ids ${threads.join(', ')}): add workerThreads()`;
    this.problem('(threads)', new Error(message));
  }

  #shareOfRest(ms: number): number {
    return Math.max(0, Math.min(ms, (this.#input.timeoutMs - this.#elapsed()) / 2));
  }

  #elapsed(): number {
    return performance.now() - this.#beganAt;
  }
}

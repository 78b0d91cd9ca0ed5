/** One shutdown from its beginning to the exit: time, report and end of the process. */

import { toError } from '../common/errors.js';
import type { Emitter } from './emitter.js';
import { exitCodeOf, outcomeOf } from './exit-code.js';
import { leave } from './exit.js';
import type { ShutdownHost } from './host.js';
import { Ledger, rounded } from './ledger.js';
import type { Logger } from './logger.js';
import type { Plan } from './plan.js';
import type { Redactor } from './redact.js';
import type { ShutdownReport } from './report.js';
import { heldNow, plannedSteps, Sequence } from './sequence.js';
import { flushStdio, guardStdio } from './stdio.js';

/** Bounds of what follows the steps; each may take at most half of the time that is left. */
const OBSERVERS_MS = 5000;
const FLUSH_MS = 1000;

export interface RunInput {
  readonly plan: Plan;
  readonly reason: string;
  readonly timeoutMs: number;
  readonly exit: boolean;
  readonly logger: Logger;
  readonly host: ShutdownHost;
  readonly emitter: Emitter;
  readonly redactor: Redactor;
}

export class Run {
  readonly #input: RunInput;
  readonly #ledger: Ledger;
  readonly #sequence: Sequence;
  readonly #beganAt: number;
  readonly #startedAt: Date;
  #report: ShutdownReport | undefined;
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
      pending: (names) => host.watchdog?.setPending(names.join(', ')),
      problem: (where, error) => {
        this.problem(where, error);
      },
    });
  }

  /** The caller has aborted the shutdown's signal. */
  async begin(): Promise<ShutdownReport> {
    const { emitter, exit, host, plan, reason, timeoutMs } = this.#input;
    host.watchdog?.begin(reason);
    const unguard = guardStdio();
    void emitter.emit('begin', {
      reason,
      startedAt: this.#startedAt,
      timeoutMs,
      backend: host.backend(),
      steps: plannedSteps(plan),
      ...heldNow(host),
    });
    await this.#sequence.run();

    const judged = this.#ledger.judged();
    const exitCode = exitCodeOf(judged, process.exitCode);
    if (exit) host.watchdog?.decide(exitCode);
    const report = this.#close(outcomeOf(judged), exitCode);
    host.watchdog?.setPending('(report)');
    await this.#observersHaveEnded(emitter.emit('end', { report }));
    if (exit) {
      // Those who await start() come first; then the process ends.
      setImmediate(() => void this.#exit(exitCode));
    } else {
      host.watchdog?.finish();
      unguard();
      this.finished = true;
    }
    return report;
  }

  /** Ends the process at once. What the steps had reached goes into the report. */
  cutShort(by: string, exitCode: number): never {
    const { emitter, exit, host } = this.#input;
    // Every step has ended: the exit that is under way only has to hurry.
    if (this.#report !== undefined) leave(exit ? this.#report.exitCode : exitCode, host);
    host.watchdog?.decide(exitCode);
    this.#sequence.stop();
    this.#ledger.cutShort(new Error(`Cut short by ${by}`), this.#elapsed());
    void emitter.emit('end', { report: this.#close('forced', exitCode) });
    leave(exitCode, host);
  }

  /** Something went wrong outside the steps; `tell` is false when telling it went wrong as well. */
  problem(where: string, thrown: Error, tell = true): void {
    const error = this.#input.redactor.error(thrown);
    this.#ledger.fault(where, error);
    if (tell) void this.#input.emitter.emit('problem', { where, error });
  }

  #close(outcome: ShutdownReport['outcome'], exitCode: number): ShutdownReport {
    this.#report = this.#ledger.toReport({
      reason: this.#input.reason,
      outcome,
      exitCode,
      backend: this.#input.host.backend(),
      startedAt: this.#startedAt.toISOString(),
      durationMs: rounded(this.#elapsed()),
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

  async #exit(exitCode: number): Promise<never> {
    const { host } = this.#input;
    host.watchdog?.setPending('(exit)');
    await flushStdio(this.#shareOfRest(FLUSH_MS));
    leave(exitCode, host);
  }

  #shareOfRest(ms: number): number {
    return Math.max(0, Math.min(ms, (this.#input.timeoutMs - this.#elapsed()) / 2));
  }

  #elapsed(): number {
    return performance.now() - this.#beganAt;
  }
}

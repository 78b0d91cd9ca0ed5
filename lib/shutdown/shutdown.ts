/** The shutdown as its user sees it: add steps, install, start. One per process is installed. */

import { LazyAbort } from '../common/abort.js';
import { AbortError, toError } from '../common/errors.js';
import { workerThreadsModule } from '../common/builtins.js';
import { expected } from '../common/expected.js';
import { nonEmptyString, optionsObject } from '../common/options.js';
import type { CrashOrigin } from './crashes.js';
import { Emitter } from './emitter.js';
import type { EventSource, Listener, ShutdownEvents } from './events.js';
import { signalExitCode } from './exit-code.js';
import { leave } from './exit.js';
import {
  checkInstallable,
  installInProcess,
  installInThread,
  type Installation,
  type InstallSettings,
  type Triggered,
} from './installation.js';
import type { Logger } from './logger.js';
import { unsettledMainCode } from './natural-end.js';
import { planSteps } from './plan.js';
import type { ShutdownReport } from './report.js';
import { Redactor, type Redact } from './redact.js';
import { sharedNow } from './request.js';
import { Run } from './run.js';
import { SignalGate, type SignalArrival } from './signals.js';
import { resolveStep, type ResolvedStep, type Step, type StepOptions } from './step.js';

/** The options of `createShutdown`, checked, and what the composition root provides. */
export interface ShutdownSettings extends InstallSettings {
  /** Less than `timeoutMs`. */
  readonly delayMs: number;
  readonly logger: Logger;
  /** Where the reports go, absolute; undefined without. */
  readonly reportFolder?: string | undefined;
  /** Every text that leaves the shutdown goes through it. */
  readonly redact?: Redact | undefined;
  /** Called at `install()`: the time for observers to load what they need. */
  prepare(): void;
}

const OPTION_NAMES = ['phase', 'after', 'timeoutMs', 'reserveMs', 'optional'] as const;

/** Made by `createShutdown`. */
export class Shutdown implements EventSource {
  readonly #settings: ShutdownSettings;
  readonly #steps = new Map<string, ResolvedStep>();
  readonly #aborted = new LazyAbort();
  readonly #emitter = new Emitter((event, error) => {
    this.#listenerFailed(event, error);
  });
  readonly #early: { readonly where: string; readonly error: Error }[] = [];
  readonly #redactor: Redactor;
  readonly #gate = new SignalGate();
  readonly #triggered: Triggered = {
    signal: (signal) => {
      this.#arrived(signal);
    },
    parent: (reason) => {
      void this.start(reason);
    },
    // Who asks has been at work for a delay of its own, and waits until then.
    asked: ({ reason, until }) => {
      void this.#start(reason, 0, until - sharedNow());
    },
    lost: () => {
      void this.#startAtOnce('disconnect');
    },
    loopIsEmpty: () => {
      this.#loopIsEmpty();
    },
    crashed: (origin, error) => {
      this.#crashed(origin, error);
    },
  };
  #installation: Installation | undefined;
  #run: Run | undefined;
  #ended: Promise<ShutdownReport> | undefined;
  /** The error that is about to begin the shutdown. */
  #crash: Error | undefined;
  /** Not for users: `createShutdown()` makes one. */
  constructor(settings: ShutdownSettings) {
    this.#settings = settings;
    this.#redactor = new Redactor(settings.redact, (error) => {
      this.#problem('(redact)', error);
    });
  }

  /**
   * Aborted with an `AbortError` when the shutdown begins, or `delayMs` later: for work in flight.
   */
  get signal(): AbortSignal {
    return this.#aborted.signal;
  }

  /** The absolute path of the `report` option; undefined without one. */
  get reportFolder(): string | undefined {
    return this.#settings.reportFolder;
  }

  /**
   * Adds a step; until the shutdown has begun, also after `install()`.
   * @throws TypeError or RangeError for a bad option, a name that is taken and, once installed, an
   * unknown name in `after` or a cycle. The step is then not added.
   */
  add(step: Step): this;
  add(name: string, run: Step['run'], options?: StepOptions): this;
  add(first: Step | string, run?: Step['run'], options?: StepOptions): this {
    const step = resolveStep(
      typeof first === 'string'
        ? ({ ...optionsObject(options, OPTION_NAMES), name: first, run } as Step)
        : first,
    );
    if (this.#ended !== undefined) {
      throw new Error(`The step \`${step.name}\` was added after the shutdown had begun`);
    }
    if (this.#steps.has(step.name)) {
      throw new RangeError(expected("the step's name", 'one that is not taken', step.name));
    }
    if (this.#installation !== undefined) planSteps([...this.#steps.values(), step]);
    this.#steps.set(step.name, step);
    return this;
  }

  on<E extends keyof ShutdownEvents>(event: E, listener: Listener<E>): this {
    this.#emitter.on(event, listener);
    return this;
  }

  off<E extends keyof ShutdownEvents>(event: E, listener: Listener<E>): this {
    this.#emitter.off(event, listener);
    return this;
  }

  /**
   * Listens to the signals and arms the watchdog. Answers what takes both back; while a shutdown runs
   * that does nothing.
   * @throws RangeError when the steps cannot be ordered; Error in a worker thread and when a shutdown
   * is installed already; the loader's error when the watchdog is wanted and the addon cannot load.
   */
  install(): () => void {
    if (!workerThreadsModule().isMainThread) {
      throw new Error(
        'A shutdown can be installed on the main thread only, as workers get no signals; in a worker thread call installInWorker()',
      );
    }
    return this.#install(installInProcess);
  }

  /**
   * For a worker thread: the shutdown of the main thread, with the step `workerThreads()`, asks this one
   * to run. Listens to no signal; the watchdog is the main thread's. Answers what takes it back; while
   * a shutdown runs that does nothing.
   * @throws RangeError when the steps cannot be ordered; Error on the main thread and when one is
   * installed in this thread already; the loader's error when the addon cannot load.
   */
  installInWorker(): () => void {
    if (workerThreadsModule().isMainThread) {
      throw new Error('This is the main thread: call install(); installInWorker() is for workers');
    }
    return this.#install(installInThread);
  }

  #install(how: typeof installInProcess): () => void {
    checkInstallable();
    planSteps(this.#steps.values());
    const installation = how(this.#settings, this.#triggered);
    const { thread } = installation;
    const report = ({ report: made }: ShutdownEvents['end']): void => thread?.report(made);
    this.#emitter.on('end', report);
    this.#installation = installation;
    this.#settings.prepare();
    return () => {
      if (this.#installation !== installation || this.#run?.finished === false) return;
      this.#installation = undefined;
      this.#emitter.off('end', report);
      installation.remove();
    };
  }

  /**
   * Begins the shutdown, or joins the one that has begun: every caller gets the same promise. It
   * resolves with the report when that is written; with `exit: true` the process ends in the turn
   * of the event loop that follows. Without `install()` there is no watchdog.
   * @throws (rejects with) RangeError when the steps cannot be ordered; nothing was run then.
   */
  start(reason = 'start()'): Promise<ShutdownReport> {
    return this.#start(reason, this.#settings.delayMs);
  }

  /** A service that has crashed, or has nothing left to do, has nothing to stay at work for. */
  #startAtOnce(reason: string): Promise<ShutdownReport> {
    return this.#start(reason, 0);
  }

  #start(reason: string, delayMs: number, limitMs = Infinity): Promise<ShutdownReport> {
    if (this.#ended !== undefined) return this.#ended;
    try {
      return this.#begin(nonEmptyString('the reason', reason), delayMs, limitMs);
    } catch (error) {
      return Promise.reject(toError(error));
    }
  }

  #begin(given: string, delayMs: number, limitMs: number): Promise<ShutdownReport> {
    const plan = planSteps(this.#steps.values());
    const reason = this.#redactor.text(given);
    const installation = this.#installation;
    if (installation === undefined) this.#settings.prepare();
    const run = new Run({
      ...this.#settings,
      plan,
      reason,
      delayMs,
      timeoutMs: Math.max(1, Math.min(this.#settings.timeoutMs, limitMs)),
      host: installation?.host ?? this.#settings.openHost({ watchdog: false }),
      emitter: this.#emitter,
      abort: () => {
        this.#aborted.abort(() => new AbortError(`The shutdown has begun: ${reason}`));
      },
      over: () => {
        installation?.ignoreTriggers();
        installation?.cluster?.over();
      },
      redactor: this.#redactor,
    });
    // From here on a listener that calls start() again joins this run.
    let report!: (report: Promise<ShutdownReport>) => void;
    this.#ended = new Promise((resolve) => {
      report = resolve;
    });
    this.#run = run;
    for (const { where, error } of this.#early) run.problem(where, error);
    if (this.#crash !== undefined) run.crashed(this.#crash);
    // Before anything of the service's own, which may block.
    installation?.cluster?.begun();
    report(run.begin());
    return this.#ended;
  }

  #loopIsEmpty(): void {
    if (this.#ended !== undefined) return;
    process.exitCode ??= unsettledMainCode();
    void this.#startAtOnce('beforeExit');
  }

  #crashed(origin: CrashOrigin, error: Error): void {
    if (this.#run !== undefined) {
      this.#run.crashed(error);
      return;
    }
    this.#crash = error;
    // A bug that makes this reject would come here again, for ever.
    this.#startAtOnce(origin).catch(() => leave(1, this.#installation?.host ?? {}));
  }

  #arrived(signal: SignalArrival): void {
    const passed = this.#gate.pass(performance.now());
    const finished = this.#run?.finished === true;
    if (passed === 'duplicate') {
      // One that comes after the end of an `exit: false` must not start a countdown.
      if (finished) this.#installation?.host.watchdog?.finish();
    } else if (passed === 'first' && !finished) {
      // A bug that makes this reject must end the process as any other: unhandled, and loud.
      void this.start(signal.name);
    } else {
      this.#run?.cutShort(`a second signal, ${signal.name}`, signalExitCode(signal.number));
    }
  }

  #listenerFailed(event: keyof ShutdownEvents, error: Error): void {
    this.#problem('(observer)', error, event !== 'problem');
  }

  #problem(where: string, error: Error, tell = true): void {
    if (this.#run === undefined) this.#early.push({ where, error });
    else this.#run.problem(where, error, tell);
  }
}

/** The shutdown as its user sees it: add steps, install, start. One per process is installed. */

import { isMainThread } from 'node:worker_threads';
import { AbortError, toError } from '../common/errors.js';
import { expected } from '../common/expected.js';
import { nonEmptyString, optionsObject } from '../common/options.js';
import { joinCluster, type ClusterPlace } from './cluster-worker.js';
import { listenToCrashes, type CrashOrigin } from './crashes.js';
import { Emitter } from './emitter.js';
import type { EventSource, Listener, ShutdownEvents } from './events.js';
import { signalExitCode } from './exit-code.js';
import { leave } from './exit.js';
import type { ShutdownHost } from './host.js';
import { listenToParent, type IpcTrigger } from './ipc.js';
import type { Logger } from './logger.js';
import { listenToNaturalEnd, unsettledMainCode } from './natural-end.js';
import { planSteps } from './plan.js';
import type { ShutdownReport } from './report.js';
import { Redactor, type Redact } from './redact.js';
import { sharedNow, type ShutdownRequest } from './request.js';
import { Run } from './run.js';
import { DUPLICATE_MS, listen, SignalGate, type SignalArrival } from './signals.js';
import { resolveStep, type ResolvedStep, type Step, type StepOptions } from './step.js';
import { takePlace, type ThreadList } from './worker-thread.js';

/** The options of `createShutdown`, checked, and what the composition root provides. */
export interface ShutdownSettings {
  readonly timeoutMs: number;
  /** Less than `timeoutMs`. */
  readonly delayMs: number;
  readonly signals: readonly SignalArrival[];
  readonly ipc: readonly IpcTrigger[];
  readonly uncaught: boolean;
  readonly exit: boolean;
  readonly logger: Logger;
  readonly watchdog: boolean;
  /** Where the reports go, absolute; undefined without. */
  readonly reportFolder?: string | undefined;
  /** Every text that leaves the shutdown goes through it. */
  readonly redact?: Redact | undefined;
  /** @throws what the addon's loader throws, when a watchdog is wanted and the addon cannot load. */
  openHost(wanted: { readonly watchdog: boolean }): ShutdownHost;
  /** For a worker thread. @throws what the addon's loader throws. */
  openThreadList(): ThreadList;
  /** Called at `install()`: the time for observers to load what they need. */
  prepare(): void;
}

const OPTION_NAMES = ['phase', 'after', 'timeoutMs', 'reserveMs', 'optional'] as const;

/** How long JavaScript has to end the process after a second signal, before the watchdog does. */
const SECOND_SIGNAL_GRACE_MS = 250;

// Held by the process: two copies of this package must not both handle its signals.
const INSTALLED = Symbol.for('cuda-shutdown.installed');

export class Shutdown implements EventSource {
  readonly #settings: ShutdownSettings;
  readonly #steps = new Map<string, ResolvedStep>();
  readonly #controller = new AbortController();
  readonly #emitter = new Emitter((event, error) => {
    this.#listenerFailed(event, error);
  });
  readonly #early: { readonly where: string; readonly error: Error }[] = [];
  readonly #redactor: Redactor;
  readonly #gate = new SignalGate();
  #host: ShutdownHost | undefined;
  #uninstall: (() => void) | undefined;
  #run: Run | undefined;
  #ended: Promise<ShutdownReport> | undefined;
  #cluster: ClusterPlace | undefined;
  /** The error that is about to begin the shutdown. */
  #crash: Error | undefined;
  /** Takes back the listeners that only begin a shutdown; those of the signals stay. */
  #ignoreTriggers = (): void => undefined;

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
    return this.#controller.signal;
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
    if (this.#uninstall !== undefined) planSteps([...this.#steps.values(), step]);
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
    if (!isMainThread) {
      throw new Error(
        'A shutdown can be installed on the main thread only, as workers get no signals; in a worker thread call installInWorker()',
      );
    }
    const holder = this.#installable('process');
    const { signals, timeoutMs, watchdog } = this.#settings;
    const host = this.#settings.openHost({ watchdog });
    const ignoreTriggers = this.#listenToTriggers();
    const leaveCluster = this.#joinCluster();
    // Before arm(): the watchdog's handler must stand in front of the one that this installs.
    const stopListening = listen(signals, (signal) => {
      this.#arrived(signal);
    });
    try {
      host.watchdog?.arm({
        signals: signals.map(({ number }) => number),
        timeoutMs,
        duplicateMs: DUPLICATE_MS,
        secondSignalGraceMs: SECOND_SIGNAL_GRACE_MS,
        // The primary sends one to a worker that does not answer, which may have had the terminal's.
        ...(this.#cluster === undefined ? {} : { onceFrom: process.ppid }),
      });
    } catch (error) {
      stopListening();
      leaveCluster();
      ignoreTriggers();
      throw error;
    }
    this.#host = host;
    this.#ignoreTriggers = ignoreTriggers;
    holder[INSTALLED] = true;
    const uninstall = (): void => {
      if (this.#uninstall !== uninstall || this.#run?.finished === false) return;
      this.#uninstall = undefined;
      host.watchdog?.disarm();
      stopListening();
      ignoreTriggers();
      leaveCluster();
      holder[INSTALLED] = false;
    };
    this.#uninstall = uninstall;
    this.#settings.prepare();
    return uninstall;
  }

  /**
   * For a worker thread: the shutdown of the main thread, with the step `workerThreads()`, asks this one
   * to run. Listens to no signal; the watchdog is the main thread's. Answers what takes it back; while
   * a shutdown runs that does nothing.
   * @throws RangeError when the steps cannot be ordered; Error on the main thread and when one is
   * installed in this thread already; the loader's error when the addon cannot load.
   */
  installInWorker(): () => void {
    if (isMainThread) {
      throw new Error('This is the main thread: call install(); installInWorker() is for workers');
    }
    const holder = this.#installable('thread');
    const settings = this.#settings;
    const place = takePlace(settings.openThreadList(), settings.exit, (request) => {
      this.#asked(request);
    });
    const report = ({ report: made }: ShutdownEvents['end']): void => {
      place.report(made);
    };
    this.#emitter.on('end', report);
    const ignoreTriggers = this.#listenToTriggers();
    this.#host = { ...settings.openHost({ watchdog: false }), thread: place };
    this.#ignoreTriggers = ignoreTriggers;
    holder[INSTALLED] = true;
    const uninstall = (): void => {
      if (this.#uninstall !== uninstall || this.#run?.finished === false) return;
      this.#uninstall = undefined;
      this.#emitter.off('end', report);
      place.close();
      ignoreTriggers();
      holder[INSTALLED] = false;
    };
    this.#uninstall = uninstall;
    settings.prepare();
    return uninstall;
  }

  #installable(what: 'process' | 'thread'): { [INSTALLED]?: boolean } {
    // Each thread has a `process` object of its own.
    const holder = process as { [INSTALLED]?: boolean };
    if (holder[INSTALLED] === true) {
      throw new Error(`A shutdown is installed in this ${what} already; one is enough: add to it`);
    }
    planSteps(this.#steps.values());
    return holder;
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

  /** Who asks has been at work for a delay of its own, and waits until then. */
  #asked({ reason, until }: ShutdownRequest): void {
    void this.#start(reason, 0, until - sharedNow());
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
    const installed = this.#uninstall !== undefined;
    if (!installed) this.#settings.prepare();
    const host = installed ? this.#host : undefined;
    const run = new Run({
      ...this.#settings,
      plan,
      reason,
      delayMs,
      timeoutMs: Math.max(1, Math.min(this.#settings.timeoutMs, limitMs)),
      host: host ?? this.#settings.openHost({ watchdog: false }),
      emitter: this.#emitter,
      abort: () => {
        this.#controller.abort(new AbortError(`The shutdown has begun: ${reason}`));
      },
      over: () => {
        this.#ignoreTriggers();
        this.#cluster?.over();
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
    report(run.begin());
    return this.#ended;
  }

  /** Everything but the signals. Answers what stops the listening; stopping twice does nothing. */
  #listenToTriggers(): () => void {
    const { ipc, uncaught } = this.#settings;
    const stops = [
      listenToNaturalEnd(() => {
        this.#loopIsEmpty();
      }),
      // A worker thread has no part in the channel of its process.
      listenToParent(isMainThread ? ipc : [], (reason) => {
        void this.start(reason);
      }),
    ];
    if (uncaught) {
      stops.push(
        listenToCrashes((origin, error) => {
          this.#crashed(origin, error);
        }),
      );
    }
    return () => {
      for (const stop of stops.splice(0)) stop();
    };
  }

  /** Answers what leaves it again. */
  #joinCluster(): () => void {
    const place = joinCluster({
      asked: (request) => {
        this.#asked(request);
      },
      lost: () => {
        void this.#startAtOnce('disconnect');
      },
    });
    const begun = (): void => place?.begun();
    this.#cluster = place;
    this.#emitter.on('begin', begun);
    return () => {
      this.#emitter.off('begin', begun);
      place?.close();
    };
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
    this.#startAtOnce(origin).catch(() => leave(1, this.#host ?? {}));
  }

  #arrived(signal: SignalArrival): void {
    const passed = this.#gate.pass(performance.now());
    const finished = this.#run?.finished === true;
    if (passed === 'duplicate') {
      // One that comes after the end of an `exit: false` must not start a countdown.
      if (finished) this.#host?.watchdog?.finish();
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

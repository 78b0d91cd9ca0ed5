/** Those who wait for one run of an unload, each within its own limits. */

import { deferred } from '../common/deferred.js';
import { limitTimer } from '../common/limit-timer.js';
import { notify } from '../common/notify.js';
import { abortError, type Situation, timeoutError, type UnloadPhase } from './unload-errors.js';
import type { Convoy, Turns, UnloadInTurn } from './in-turn.js';
import type { CallerLimits } from './unload-options.js';
import type { UnloadProgress, UnloadResult } from './unloadable.js';

interface Caller {
  readonly limits: CallerLimits;
  /** Of one whose time others keep. */
  readonly turns?: Turns;
  readonly endsAt: number;
  readonly resolve: (result: UnloadResult) => void;
  readonly reject: (error: Error) => void;
  /** Stops its timers and its listener. */
  dismiss: () => void;
  drainTimer?: NodeJS.Timeout | undefined;
  /** Why it left, made an error when the balance is known. */
  left?: () => Error;
}

const NO_LIMITS = { signal: undefined, timeoutMs: Infinity, drainMs: Infinity };

/** The run, as far as they see it. */
export interface CalledRun {
  readonly phase: UnloadPhase;
  readonly situation: Situation;
  /** Called when the last has left: its error is made at the `end()`. */
  allLeft(): void;
}

/** Object lifetime: that of its run. */
export class Callers {
  readonly #callers = new Set<Caller>();
  readonly #of: CalledRun;

  constructor(of: CalledRun) {
    this.#of = of;
  }

  join(limits: CallerLimits): Promise<UnloadResult> {
    const { promise, resolve, reject } = deferred<UnloadResult>();
    const endsAt = performance.now() + limits.timeoutMs;
    const caller: Caller = { limits, endsAt, resolve, reject, dismiss: () => undefined };
    this.#callers.add(caller);
    this.#watch(caller);
    return promise;
  }

  joinInTurn(turns: Turns): UnloadInTurn {
    const { promise: result, resolve, reject } = deferred<UnloadResult>();
    const limits = { ...NO_LIMITS, onProgress: turns.onProgress };
    const dismiss = (): void => undefined;
    const caller: Caller = { limits, turns, endsAt: Infinity, resolve, reject, dismiss };
    this.#callers.add(caller);
    if (this.#of.phase === 'releasing') turns.onReleasing();
    return {
      result,
      abort: (reason) => {
        this.#leave(caller, () => abortError(this.#of.situation, reason));
      },
      timeOut: (limitMs) => {
        this.#leave(caller, () => timeoutError(this.#of.situation, limitMs));
      },
    };
  }

  get convoy(): Convoy {
    for (const { turns } of this.#callers) if (turns !== undefined) return turns.convoy;
    return 0;
  }

  /** The release is with its device. */
  releasing(): void {
    for (const { turns } of this.#callers) turns?.onReleasing();
  }

  /** Draining begins: those who limit it begin to count. Answers how long the last of them waits. */
  limitDraining(): number {
    this.#callers.forEach((caller) => {
      this.#limitDraining(caller);
    });
    const now = performance.now();
    const limits = [...this.#callers].map(({ endsAt, limits: { drainMs } }) =>
      Math.min(drainMs, endsAt - now),
    );
    return Math.max(0, ...limits);
  }

  /** @param progress Made only where somebody listens. */
  progress(progress: () => UnloadProgress): void {
    for (const { limits } of this.#callers) {
      if (limits.onProgress !== undefined) notify(limits.onProgress, progress());
    }
  }

  /** Those who left get their own error, the others the result or the error. */
  end(result?: UnloadResult, error?: Error): void {
    const callers = [...this.#callers];
    this.#callers.clear();
    for (const { dismiss, resolve, reject, left } of callers) {
      dismiss();
      // Done is done, also for those who had given up waiting for it.
      if (result !== undefined) resolve(result);
      else reject(error ?? left?.() ?? new Error('The unload ended without a reason'));
    }
  }

  #watch(caller: Caller): void {
    const { signal, timeoutMs } = caller.limits;
    const onAbort = (): void => {
      this.#leave(caller, () => abortError(this.#of.situation, signal?.reason));
    };
    const timer = limitTimer(timeoutMs, () => {
      this.#leave(caller, () => timeoutError(this.#of.situation, timeoutMs));
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    caller.dismiss = () => {
      clearTimeout(timer);
      clearTimeout(caller.drainTimer);
      signal?.removeEventListener('abort', onAbort);
    };
    if (this.#of.phase === 'draining') this.#limitDraining(caller);
  }

  #limitDraining(caller: Caller): void {
    const { drainMs } = caller.limits;
    caller.drainTimer = limitTimer(drainMs, () => {
      if (this.#of.phase !== 'draining') return;
      this.#leave(caller, () => timeoutError(this.#of.situation, drainMs));
    });
  }

  #leave(caller: Caller, why: () => Error): void {
    if (caller.left !== undefined || !this.#callers.has(caller)) return;
    caller.dismiss();
    caller.left = why;
    const someStay = [...this.#callers].some((other) => other.left === undefined);
    if (!someStay) {
      this.#of.allLeft();
      return;
    }
    this.#callers.delete(caller);
    caller.reject(why());
  }
}

/**
 * One run of an unload, which all callers of `unload()` share while it lasts.
 *
 *   waiting ──► draining ──► releasing ──► ended
 *      └───────────┴─────────────┴── cancelled, when its last caller has left
 *
 * `waiting` is for a run before it that was cancelled, or is stuck, and has not come back yet.
 */

import { AbortError, TimeoutError, type UnloadBalance, UnloadError } from '../common/errors.js';
import { limitTimer } from '../common/limit-timer.js';
import { notify } from '../common/notify.js';
import type { NativeJob, NativeReleaseSettlement } from '../native/addon.js';
import { failureError } from '../native/failures.js';
import type { UnloadProgress, UnloadResult } from './unloadable.js';
import { verify } from './verify.js';

/** What a run needs of its model. */
export interface UnloadTarget {
  readonly name: string;
  readonly bytes: number;
  readonly leasesHeld: number;
  /** Freed so far, over all runs. */
  readonly freedBytes: number;
  /**
   * Calls `idle` once no lease is held. Answers how to call it off: nothing was freed then, and
   * leases are admitted again, if they were before.
   */
  beginDraining(idle: () => void): () => void;
  beginReleasing(
    progress: () => void,
    settled: (settlement: NativeReleaseSettlement) => void,
  ): NativeJob;
  /** True where there is nothing left to do; throws where nothing can be done. */
  nothingLeft(): boolean;
}

/** How long one caller takes part. */
export interface CallerLimits {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly drainMs: number;
  readonly onProgress: ((progress: UnloadProgress) => void) | undefined;
}

type Phase = 'waiting' | 'draining' | 'releasing' | 'ended';

interface Caller {
  readonly limits: CallerLimits;
  readonly resolve: (result: UnloadResult) => void;
  readonly reject: (error: Error) => void;
  /** Stops its timers and its listener. */
  dismiss: () => void;
  drainTimer?: NodeJS.Timeout | undefined;
  /** Why it left, made an error when the balance is known. */
  left?: () => Error;
}

export class UnloadRun {
  readonly #target: UnloadTarget;
  readonly #startedAt = performance.now();
  readonly #callers = new Set<Caller>();
  #phase: Phase = 'waiting';
  #cancelled = false;
  #stuck = false;
  #drainedLeases = 0;
  #stopDraining: (() => void) | undefined;
  #job: NativeJob | undefined;

  constructor(target: UnloadTarget) {
    this.#target = target;
  }

  /** @param after When the run before this one has come back; undefined where there is none. */
  start(after: Promise<void> | undefined): void {
    if (after === undefined) this.#drain();
    else {
      void after.then(() => {
        this.#drain();
      });
    }
  }

  /** Whether a new caller may still join: a cancelled run only comes to its end. */
  get open(): boolean {
    return !this.#cancelled && this.#phase !== 'ended';
  }

  join(limits: CallerLimits): Promise<UnloadResult> {
    return new Promise((resolve, reject) => {
      const caller: Caller = { limits, resolve, reject, dismiss: () => undefined };
      this.#callers.add(caller);
      this.#watch(caller);
    });
  }

  #watch(caller: Caller): void {
    const { signal, timeoutMs } = caller.limits;
    const onAbort = (): void => {
      this.#leave(caller, () => this.#abortError(signal?.reason));
    };
    const timer = limitTimer(timeoutMs, () => {
      this.#leave(caller, () => this.#timeoutError(timeoutMs));
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    caller.dismiss = () => {
      clearTimeout(timer);
      clearTimeout(caller.drainTimer);
      signal?.removeEventListener('abort', onAbort);
    };
    if (this.#phase === 'draining') this.#limitDraining(caller);
  }

  #limitDraining(caller: Caller): void {
    const { drainMs } = caller.limits;
    caller.drainTimer = limitTimer(drainMs, () => {
      if (this.#phase === 'draining') this.#leave(caller, () => this.#timeoutError(drainMs));
    });
  }

  #leave(caller: Caller, why: () => Error): void {
    if (caller.left !== undefined) return;
    caller.dismiss();
    caller.left = why;
    const someStay = [...this.#callers].some((other) => other.left === undefined);
    if (someStay) {
      this.#callers.delete(caller);
      caller.reject(why());
      return;
    }
    this.#cancel();
  }

  #cancel(): void {
    this.#cancelled = true;
    if (this.#phase === 'releasing') {
      // Its settlement ends the run, with the balance that is then true.
      this.#job?.cancel();
      return;
    }
    if (this.#phase === 'draining') this.#stopDraining?.();
    this.#end();
  }

  #drain(): void {
    if (this.#phase === 'ended') return;
    try {
      if (this.#target.nothingLeft()) {
        this.#end(alreadyUnloaded(this.#target.name));
        return;
      }
    } catch (error) {
      this.#end(undefined, error as Error);
      return;
    }
    this.#phase = 'draining';
    this.#drainedLeases = this.#target.leasesHeld;
    this.#callers.forEach((caller) => {
      this.#limitDraining(caller);
    });
    this.#progress();
    // A listener may have ended it.
    if (!this.open) return;
    this.#stopDraining = this.#target.beginDraining(() => {
      this.#release();
    });
  }

  #release(): void {
    this.#phase = 'releasing';
    this.#job = this.#target.beginReleasing(
      () => {
        this.#progress();
      },
      (settlement) => {
        this.#settled(settlement);
      },
    );
  }

  #settled(settlement: NativeReleaseSettlement): void {
    this.#stuck = settlement.outcome === 'stuck';
    if (settlement.outcome === 'done') {
      this.#progress();
      this.#end(this.#result(settlement));
    } else if (settlement.failure !== undefined) {
      const cause = failureError(settlement.failure);
      this.#end(undefined, this.#unloadError(cause));
    } else {
      this.#end();
    }
  }

  /** Ends the run: those who left get their own error, the others the result or the error. */
  #end(result?: UnloadResult, error?: Error): void {
    // The errors of those who left name the phase in which it was.
    const endings = [...this.#callers].map((caller) => ({ caller, left: caller.left?.() }));
    this.#phase = 'ended';
    // It refers to what it calls, and so to the model, which could then never be collected.
    this.#job = undefined;
    this.#callers.clear();
    for (const { caller, left } of endings) {
      caller.dismiss();
      // Done is done, also for those who had given up waiting for it.
      if (result !== undefined) caller.resolve(result);
      else caller.reject(error ?? left ?? new Error('The unload ended without a reason'));
    }
  }

  #progress(): void {
    const { freedBytes, bytes, leasesHeld } = this.#target;
    const phase = this.#phase === 'draining' ? 'draining' : 'releasing';
    for (const { limits } of this.#callers) {
      notify(limits.onProgress, { phase, freedBytes, totalBytes: bytes, leases: leasesHeld });
    }
  }

  #result(settlement: NativeReleaseSettlement): UnloadResult {
    return {
      name: this.#target.name,
      status: 'unloaded',
      freedBytes: settlement.freedBytes,
      tensors: settlement.freedBlocks,
      durationMs: performance.now() - this.#startedAt,
      drainedLeases: this.#drainedLeases,
      memory: verify(settlement),
    };
  }

  #balance(): UnloadBalance {
    const { freedBytes, bytes } = this.#target;
    return { freedBytes, remainingBytes: bytes - freedBytes };
  }

  #abortError(cause: unknown): Error {
    return new AbortError(`The unload of ${this.#target.name} was aborted while ${this.#doing()}`, {
      cause,
      ...this.#balance(),
    });
  }

  #timeoutError(limitMs: number): Error {
    return new TimeoutError(
      `Expected the unload of ${this.#target.name} to end within ${limitMs} ms, it was still ${this.#doing()}`,
      this.#balance(),
    );
  }

  #unloadError(cause: Error): Error {
    return new UnloadError(
      `The unload of ${this.#target.name} failed while releasing: ${cause.message}`,
      { phase: 'releasing', ...this.#balance() },
      { cause },
    );
  }

  #doing(): string {
    const { freedBytes, bytes, leasesHeld } = this.#target;
    switch (this.#phase) {
      case 'waiting':
        return 'waiting for a CUDA call of the unload before it to come back';
      case 'draining':
        return `draining, with ${leasesHeld} leases held`;
      default:
        return `${this.#stuck ? 'stuck inside a CUDA call' : 'releasing'}, with ${freedBytes} of ${bytes} bytes freed`;
    }
  }
}

export function alreadyUnloaded(name: string): UnloadResult {
  return {
    name,
    status: 'already-unloaded',
    freedBytes: 0,
    tensors: 0,
    durationMs: 0,
    drainedLeases: 0,
    memory: { before: undefined, after: undefined, verified: 'unverifiable' },
  };
}

/**
 * One run of an unload, which all callers of `unload()` share while it lasts.
 *
 *   waiting ──► draining ──► releasing ──► ended
 *      └───────────┴─────────────┴── cancelled, when its last caller has left
 *
 * `waiting` is for a run before it that was cancelled, or is stuck, and has not come back yet.
 */

import type { RemainingTensors } from '../common/errors.js';
import { type CalledRun, Callers } from './callers.js';
import type { Convoy, Turns, UnloadInTurn } from './in-turn.js';
import type { ReleaseJob, ReleaseSettlement } from './resource.js';
import { releaseError, type Situation, type UnloadPhase } from './unload-errors.js';
import type { CallerLimits } from './unload-options.js';
import { alreadyUnloaded } from './unload-result.js';
import type { UnloadResult } from './unloadable.js';

/** What a run needs of its lifecycle. */
export interface UnloadTarget {
  readonly name: string;
  readonly bytes: number;
  /** Held at this moment. */
  readonly leases: number;
  /** Freed so far, over all runs. */
  readonly freedBytes: number;
  /** What is held; undefined where that is not known. */
  readonly remainingTensors: RemainingTensors | undefined;
  readonly stuckIn: string;
  /**
   * Calls `idle` once no lease is held. Answers how to call it off: nothing was freed then, and
   * leases are admitted again, if they were before.
   * @param limitMs How long draining may take.
   */
  beginDraining(idle: () => void, limitMs: number): () => void;
  beginReleasing(
    convoy: Convoy,
    progress: () => void,
    settled: (settlement: ReleaseSettlement) => void,
  ): ReleaseJob;
  /** True where there is nothing left to do; throws where nothing can be done. */
  nothingLeft(): boolean;
}

export class UnloadRun implements CalledRun {
  readonly #target: UnloadTarget;
  readonly #startedAt = performance.now();
  readonly #callers = new Callers(this);
  #phase: UnloadPhase = 'waiting';
  #cancelled = false;
  #stuck = false;
  #drainedLeases = 0;
  #stopDraining: (() => void) | undefined;
  #job: ReleaseJob | undefined;

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
    return this.#callers.join(limits);
  }

  joinInTurn(turns: Turns): UnloadInTurn {
    return this.#callers.joinInTurn(turns);
  }

  get phase(): UnloadPhase {
    return this.#phase;
  }

  allLeft(): void {
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
    this.#drainedLeases = this.#target.leases;
    const limitMs = this.#callers.limitDraining();
    this.#progress();
    // A listener may have ended it.
    if (!this.open) return;
    const stopDraining = this.#target.beginDraining(() => {
      this.#release();
    }, limitMs);
    // So may work that was aborted.
    if (this.#hasEnded()) stopDraining();
    else this.#stopDraining = stopDraining;
  }

  #release(): void {
    if (this.#hasEnded()) return;
    this.#phase = 'releasing';
    this.#job = this.#target.beginReleasing(
      this.#callers.convoy,
      () => {
        this.#progress();
      },
      (settlement) => {
        this.#settled(settlement);
      },
    );
    this.#callers.releasing();
  }

  #hasEnded(): boolean {
    return this.#phase === 'ended';
  }

  #settled(settlement: ReleaseSettlement): void {
    this.#stuck = settlement.outcome === 'stuck';
    if (settlement.outcome === 'done') {
      this.#progress();
      this.#end(this.#result(settlement));
    } else if (settlement.error !== undefined) {
      this.#end(undefined, releaseError(this.situation, settlement.error));
    } else {
      this.#end();
    }
  }

  #end(result?: UnloadResult, error?: Error): void {
    // First, as the errors of those who left name the phase in which it was.
    this.#callers.end(result, error);
    this.#phase = 'ended';
    // They refer to what they call, and so to the model, which could then never be collected.
    this.#job = undefined;
    this.#stopDraining = undefined;
  }

  #progress(): void {
    this.#callers.progress(() => {
      const { freedBytes, bytes, leases } = this.#target;
      const phase = this.#phase === 'draining' ? 'draining' : 'releasing';
      return { phase, freedBytes, totalBytes: bytes, leases };
    });
  }

  #result({ freedBytes, tensors, memory, unverified }: ReleaseSettlement): UnloadResult {
    return {
      name: this.#target.name,
      status: 'unloaded',
      freedBytes,
      tensors,
      durationMs: performance.now() - this.#startedAt,
      drainedLeases: this.#drainedLeases,
      memory,
      ...(unverified === undefined ? {} : { remainingTensors: unverified }),
    };
  }

  get situation(): Situation {
    const target = this.#target;
    const { name, bytes, freedBytes, leases, stuckIn } = target;
    return {
      name,
      bytes,
      freedBytes,
      leasesHeld: leases,
      stuckIn,
      stuck: this.#stuck,
      phase: this.#phase,
      // Only errors ask for them: to describe thousands of tensors takes milliseconds.
      get remainingTensors() {
        return target.remainingTensors;
      },
    };
  }
}

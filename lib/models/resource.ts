/** What a lifecycle gives back in the end: a model's blocks on a device, or the objects of a runtime. */

import type { RemainingTensors } from '../common/errors.js';
import type { Outcome } from '../native/addon.js';
import type { Convoy } from './in-turn.js';
import type { UnloadMemory } from './unloadable.js';

/** How one release ended. */
export interface ReleaseSettlement {
  readonly outcome: Outcome;
  /** False where it was interrupted before anything has happened to what is released. */
  readonly begun?: boolean;
  /** Why it failed; only of a `failed` one. */
  readonly error?: Error;
  /** What this release freed. */
  readonly freedBytes: number;
  readonly tensors: number;
  readonly memory: UnloadMemory;
  /** What this release freed, where the device does not confirm it. */
  readonly unverified?: RemainingTensors;
}

/** A release under way. `cancel()` asks it to stop; it then settles as interrupted or stuck. */
export interface ReleaseJob {
  cancel(): void;
}

export interface Resource {
  /** 0 where it is not known. */
  readonly bytes: number;
  /** Freed so far, over all releases. */
  readonly freedBytes: number;
  /** What is held; undefined where that is nothing, or not known. */
  readonly remainingTensors: RemainingTensors | undefined;
  /** True when nothing is left to release. */
  readonly released: boolean;
  /** Why the rest can never be released: a clause for people, and the error behind it. */
  readonly lost: { readonly because: string; readonly cause?: Error } | undefined;
  /** What a release can be stuck in, as `a CUDA call`. */
  readonly stuckIn: string;
  /**
   * Releases what remains; never called while an earlier release has not come back. `settled` is
   * called exactly once, not before this has returned. `returned` is called after a `stuck`
   * settlement, once what was stuck has come back and the fields above are true again.
   */
  release(
    progress: () => void,
    settled: (settlement: ReleaseSettlement) => void,
    returned: () => void,
    convoy: Convoy,
  ): ReleaseJob;
}

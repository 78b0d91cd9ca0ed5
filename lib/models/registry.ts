/** A set of unloadables, and the unloading of all of them, each within its own time. */

import { expected } from '../common/expected.js';
import {
  nonEmptyString,
  optionalFunction,
  optionalSignal,
  optionsObject,
  positiveInteger,
  positiveMs,
} from '../common/options.js';
import type { Model } from './model.js';
import { type FailedUnload, unloadInLanes, type UnloadPlan } from './unload-all.js';
import type { Unloadable, UnloadProgress, UnloadResult } from './unloadable.js';

export interface UnloadAllOptions {
  /** Milliseconds for each unload, counted from its own beginning. Default 30,000. */
  readonly timeoutMs?: number;
  /** Milliseconds for all of them. What is left is shared equally among those still to go. */
  readonly totalMs?: number;
  /** How many unload at the same time. Default: all devices side by side, one model each. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (name: string, progress: UnloadProgress) => void;
}

export interface UnloadSummary {
  readonly unloaded: readonly UnloadResult[];
  readonly failed: readonly FailedUnload[];
  readonly freedBytes: number;
  readonly durationMs: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Object lifetime. What was unloaded leaves the registry; what failed stays, to be tried again. */
export class ModelRegistry {
  readonly #entries = new Map<string, Unloadable>();
  readonly #failed = new Map<string, FailedUnload>();

  /** @throws TypeError for what cannot be unloaded; RangeError for a name that is taken. */
  add(unloadable: Unloadable | Model): this {
    const shape = unloadable as Partial<Unloadable> | null | undefined;
    if (typeof shape?.unload !== 'function') {
      throw new TypeError(
        expected(
          'what is registered',
          'a model, or an object with a name and unload()',
          unloadable,
        ),
      );
    }
    const name = nonEmptyString('the name of what is registered', shape.name);
    if (this.#entries.has(name)) {
      throw new RangeError(expected('the name of what is registered', 'new', name));
    }
    this.#entries.set(name, unloadable);
    return this;
  }

  /** Forgets it without unloading it. True if it was there. */
  remove(name: string): boolean {
    this.#failed.delete(name);
    return this.#entries.delete(name);
  }

  get(name: string): Unloadable | undefined {
    return this.#entries.get(name);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The unloads that failed and have not succeeded since, each with its error. */
  get failed(): readonly FailedUnload[] {
    return [...this.#failed.values()];
  }

  /**
   * Unloads everything: device by device side by side, within a device one after the other, the
   * largest first. A failure is recorded and the others go on, so this rejects only for bad options:
   * after an abort of `signal`, what was not unloaded is among the failed.
   */
  async unloadAll(options?: UnloadAllOptions): Promise<UnloadSummary> {
    const startedAt = performance.now();
    const outcome = await unloadInLanes([...this.#entries.values()], planFrom(options));
    for (const unloadable of outcome.unloaded.keys()) {
      // Unless another took its name in the meantime.
      if (this.#entries.get(unloadable.name) === unloadable) this.remove(unloadable.name);
    }
    for (const failure of outcome.failed) this.#failed.set(failure.name, failure);
    const unloaded = [...outcome.unloaded.values()];
    const { failed } = outcome;
    return {
      unloaded,
      failed,
      freedBytes:
        sum(unloaded.map((result) => result.freedBytes)) +
        sum(failed.map((failure) => failure.freedBytes ?? 0)),
      durationMs: performance.now() - startedAt,
    };
  }
}

function planFrom(options: UnloadAllOptions | undefined): UnloadPlan {
  const given = optionsObject(options, [
    'timeoutMs',
    'totalMs',
    'concurrency',
    'signal',
    'onProgress',
  ]);
  return {
    timeoutMs: positiveMs('timeoutMs', given.timeoutMs, DEFAULT_TIMEOUT_MS),
    endsAt: performance.now() + positiveMs('totalMs', given.totalMs, Infinity),
    concurrency: positiveInteger('concurrency', given.concurrency, Infinity),
    signal: optionalSignal(given.signal),
    onProgress: optionalFunction('onProgress', given.onProgress),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The options of a registry's methods, and what `unloadAll` answers. */

import {
  optionalBoolean,
  optionalFunction,
  optionalSignal,
  optionsObject,
  positiveInteger,
  positiveMs,
} from '../common/options.js';
import type { Device } from '../cuda/device.js';
import type { Budget } from './budget.js';
import type { FailedUnload, UnloadPlan } from './unload-all.js';
import type { UnloadProgress, UnloadResult } from './unloadable.js';

/** The options of `registry.unloadAll()`. */
export interface UnloadAllOptions {
  /** Milliseconds for each unload, counted from its own beginning. Default 30,000. */
  readonly timeoutMs?: number;
  /** Milliseconds for all of them. What is left is shared equally among those still to go. */
  readonly totalMs?: number;
  /** How many unload at the same time. Default: all devices side by side, one model each. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (name: string, progress: UnloadProgress) => void;
  /** It is the last time: `admit()` refuses from now on, also afterwards. Default false. */
  readonly close?: boolean;
}

/** What `registry.unloadAll()` answers: it rejects for no unload that failed. */
export interface UnloadSummary {
  readonly unloaded: readonly UnloadResult[];
  readonly failed: readonly FailedUnload[];
  readonly freedBytes: number;
  readonly durationMs: number;
}

/** The options of a `ModelRegistry`. */
export interface RegistryOptions {
  /**
   * Bytes that the registered models of a device may hold together: a number for every device, or one
   * by device, as `{ 'cuda:0': 8e9 }`. Kept by `admit()`. Default: no budget.
   */
  readonly budget?: Budget | undefined;
}

/** The options of `registry.add()`. */
export interface AddOptions {
  /** Names of what is registered already and is needed while this is loaded: it is unloaded later. */
  readonly dependsOn?: readonly string[] | undefined;
}

/** The options of `registry.idle()`. */
export interface IdleOptions {
  /** Milliseconds without a lease after which a model is unloaded; it may take an eighth longer. */
  readonly unloadAfterMs: number;
  /** Milliseconds for each unload. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  readonly onUnload?: ((result: UnloadResult) => void) | undefined;
  /** It also stands in `failed`. */
  readonly onError?: ((failure: FailedUnload) => void) | undefined;
}

/** The options of `registry.admit()`. */
export interface AdmitOptions extends AddOptions {
  /** What is to be loaded will hold at most this: for a file of tensors its size. */
  readonly bytes: number;
  readonly device?: Device | undefined;
  /** Milliseconds for each unload that makes room. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** What the load of an `admit()` is given. */
export interface AdmitContext {
  /** Aborts when `unloadAll()` begins, which then waits for the load. */
  readonly signal: AbortSignal;
}

/** For one unload. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** @throws TypeError, RangeError */
export function planFrom(options: UnloadAllOptions | undefined): UnloadPlan {
  const given = optionsObject(options, [
    'timeoutMs',
    'totalMs',
    'concurrency',
    'signal',
    'onProgress',
    'close',
  ]);
  return {
    timeoutMs: positiveMs('timeoutMs', given.timeoutMs, DEFAULT_TIMEOUT_MS),
    endsAt: performance.now() + positiveMs('totalMs', given.totalMs, Infinity),
    concurrency: positiveInteger('concurrency', given.concurrency, Infinity),
    signal: optionalSignal(given.signal),
    onProgress: optionalFunction('onProgress', given.onProgress),
    close: optionalBoolean('close', given.close, false),
  };
}

/** The options of `unload()`: how long one caller takes part. */

import { optionalFunction, optionalSignal, optionsObject, positiveMs } from '../common/options.js';
import type { UnloadProgress } from './unloadable.js';

/** The options of `model.unload()`. */
export interface UnloadOptions {
  /** Ends this caller's wait; the unload itself ends when its last caller has left. */
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole. Default 30,000; `Infinity` is no limit. */
  readonly timeoutMs?: number;
  /** Milliseconds to wait for leases, within `timeoutMs`. Default: no limit of its own. */
  readonly drainMs?: number;
  /** At most every 16 ms. */
  readonly onProgress?: (progress: UnloadProgress) => void;
}

/** The same, checked. */
export interface CallerLimits {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly drainMs: number;
  readonly onProgress: ((progress: UnloadProgress) => void) | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** @throws TypeError, RangeError */
export function callerLimits(options: UnloadOptions | undefined): CallerLimits {
  const given = optionsObject(options, ['signal', 'timeoutMs', 'drainMs', 'onProgress']);
  return {
    signal: optionalSignal(given.signal),
    timeoutMs: positiveMs('timeoutMs', given.timeoutMs, DEFAULT_TIMEOUT_MS),
    drainMs: positiveMs('drainMs', given.drainMs, Infinity),
    onProgress: optionalFunction('onProgress', given.onProgress),
  };
}

/** The options of a registry's methods, and what `unloadAll` answers. */

import {
  optionalBoolean,
  optionalFunction,
  optionalSignal,
  optionsObject,
  positiveInteger,
  positiveMs,
  requiredBytes,
} from '../common/options.js';
import { expected } from '../common/expected.js';
import { type Device, deviceIndex } from '../cuda/device.js';
import { type Budget, type BytesByDevice, checkBytesByDevice } from './budget.js';
import type { Admitted } from './schedule-nodes.js';
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
  /** Ends the unloads that are under way; those that had not begun leave their models as they were. */
  readonly signal?: AbortSignal;
  /** Called with the name of the model and how far its unload is, at most every 16 ms a model. */
  readonly onProgress?: (name: string, progress: UnloadProgress) => void;
  /** Called for each whose unload went well, as it ends. */
  readonly onUnload?: (result: UnloadResult) => void;
  /** Called for each that failed, as it ends; they also stand in `failed`. */
  readonly onError?: (failure: FailedUnload) => void;
  /** It is the last time: `admit()` refuses from now on, also afterwards. Default false. */
  readonly close?: boolean;
}

/** What `registry.unloadAll()` did. It resolves with this also where unloads failed. */
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
  /** Called after each unload that went well. */
  readonly onUnload?: ((result: UnloadResult) => void) | undefined;
  /** It also stands in `failed`. */
  readonly onError?: ((failure: FailedUnload) => void) | undefined;
}

/** The options of `registry.admit()`. */
export type AdmitOptions = AddOptions &
  AdmittedBytes & {
    /** Milliseconds for each unload that makes room. Default 30,000. */
    readonly timeoutMs?: number | undefined;
  };

/** What `registry.admit()` makes room for: bytes on one device, or on each of several. */
export type AdmittedBytes =
  | {
      /** What is to be loaded will hold at most this: for a file of tensors its size. */
      readonly bytes: number;
      /** The device that the model will be on. Default: the current one. */
      readonly device?: Device | undefined;
      readonly bytesByDevice?: undefined;
    }
  | {
      /** The same on each of several devices: room is made on all of them. */
      readonly bytesByDevice: BytesByDevice;
      readonly bytes?: undefined;
      readonly device?: undefined;
    };

/** What the load of an `admit()` is given. */
export interface AdmitContext {
  /** Aborts when `unloadAll()` begins, which then waits for the load. */
  readonly signal: AbortSignal;
}

/** For one unload. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** What is to be admitted counts for, before it is there. @throws TypeError, RangeError */
export function admittedFrom({ bytes, device, bytesByDevice }: AdmittedBytes): Admitted {
  if (bytesByDevice === undefined) {
    return { device: deviceIndex(device), admittedBytes: requiredBytes('bytes', bytes) };
  }
  for (const other of [bytes, device] as readonly unknown[]) {
    if (other === undefined) continue;
    throw new RangeError(
      expected('the `bytes` and `device` options', 'left out beside `bytesByDevice`', other),
    );
  }
  const admittedByDevice = checkBytesByDevice(bytesByDevice);
  const [first = 0] = admittedByDevice.keys();
  const admittedBytes = [...admittedByDevice.values()].reduce((sum, each) => sum + each, 0);
  return { device: first, admittedBytes, admittedByDevice };
}

/** @throws TypeError, RangeError */
export function planFrom(options: UnloadAllOptions | undefined): UnloadPlan {
  const given = optionsObject(options, [
    'timeoutMs',
    'totalMs',
    'concurrency',
    'signal',
    'onProgress',
    'onUnload',
    'onError',
    'close',
  ]);
  return {
    timeoutMs: positiveMs('timeoutMs', given.timeoutMs, DEFAULT_TIMEOUT_MS),
    endsAt: performance.now() + positiveMs('totalMs', given.totalMs, Infinity),
    concurrency: positiveInteger('concurrency', given.concurrency, Infinity),
    signal: optionalSignal(given.signal),
    onProgress: optionalFunction('onProgress', given.onProgress),
    onUnload: optionalFunction('onUnload', given.onUnload),
    onError: optionalFunction('onError', given.onError),
    close: optionalBoolean('close', given.close, false),
  };
}

/** What can be unloaded, and what an unload answers. */

import type { MemoryReading, ProcessMemory } from '../common/device-memory.js';
import type { RemainingTensors } from '../common/errors.js';

/** How far an unload is, in bytes. `draining` waits for leases, `releasing` frees. */
export interface UnloadProgress {
  readonly phase: 'draining' | 'releasing';
  readonly freedBytes: number;
  readonly totalBytes: number;
  /** Leases that are still held. */
  readonly leases: number;
}

/** What was measured around an unload, in bytes. */
export interface UnloadMemory {
  /** The device before and after; undefined where it could not be read. */
  readonly before: MemoryReading | undefined;
  readonly after: MemoryReading | undefined;
  /** The process's resident set before and after: where another runtime freed, by its own means. */
  readonly rss?: { readonly before: number; readonly after: number };
  /** What the process held of the device: where another runtime freed, and its device is known. */
  readonly process?: {
    readonly before: ProcessMemory | undefined;
    readonly after: ProcessMemory | undefined;
  };
  /**
   * `true`: the device's pool uses at least the freed bytes less than before (it counts whole
   * blocks of 512 bytes, so more is usual); of another runtime's model: the process holds at least
   * nine tenths of the model's bytes less. `false`: it does not. `'unverifiable'`: it could not be
   * read, or other work of the device ran, or may have run, at the same time.
   */
  readonly verified: boolean | 'unverifiable';
}

/** What an unload did. */
export interface UnloadResult {
  readonly name: string;
  /** `already-unloaded`: there was nothing left to free. */
  readonly status: 'unloaded' | 'already-unloaded';
  /** Bytes that this unload freed: after an interrupted one, only the rest. */
  readonly freedBytes: number;
  /** Tensors that this unload freed; those without bytes take no memory and do not count. */
  readonly tensors: number;
  readonly durationMs: number;
  /** When its own time began, in the time of `performance.now()`: where `unloadAll()` unloaded it. */
  readonly startedAt?: number;
  /** Leases that were held when the unload began, and that it waited for. */
  readonly drainedLeases: number;
  readonly memory: UnloadMemory;
  /**
   * Only where `memory.verified` is `false`: all that this unload freed, as the device does not say which
   * of it came back.
   */
  readonly remainingTensors?: RemainingTensors;
}

/** What `unloadAll` gives to an `unload`. */
export interface UnloadContext {
  /** Aborts when the caller's signal does, and when the time is over. */
  readonly signal: AbortSignal;
  /** Milliseconds that this unload may take, from its call. `Infinity` is no limit. */
  readonly timeoutMs: number;
  /** To be called with how far the unload is. */
  readonly onProgress: (progress: UnloadProgress) => void;
}

/** Anything that holds memory and can give it back. Models are; so may be what another library loads. */
export interface Unloadable {
  readonly name: string;
  /** What it holds: the largest is unloaded first. */
  readonly bytes?: number;
  /** Where that is, by the index of the device: what it counts for in the budget of each. */
  readonly bytesByDevice?: ReadonlyMap<number, number>;
  /**
   * How many use it at this moment, and a number that grows with every use, as models have them. With
   * both it can be unloaded when it is idle; without, only by `unloadAll()`.
   */
  readonly leases?: number;
  readonly lastUse?: number;
  /**
   * Without a result, what it held counts as freed, and nothing as measured. Also called while an earlier
   * call goes on, as by `unloadAll()` while it is unloaded because it was idle.
   */
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- an async method may answer nothing
  unload(context: UnloadContext): Promise<UnloadResult | void>;
}

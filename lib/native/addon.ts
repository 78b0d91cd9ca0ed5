/**
 * The addon, typed once. The two binaries (real and simulated runtime) have the same surface.
 *
 * Conventions: sizes are bytes, times milliseconds (`Infinity` is no limit), devices are valid
 * indices (checked above). Work off the JavaScript thread takes a `settled` callback, called exactly
 * once, on the thread of the environment that asked, never before the call has returned.
 */

import type { MemoryReading, ProcessMemory } from '../common/device-memory.js';

/** Why a piece of native work failed. Made into error classes by `failures.ts`. */
export type NativeFailure =
  | {
      readonly kind: 'cuda';
      readonly message: string;
      readonly cudaCode: number;
      readonly cudaName: string;
      readonly call: string;
      readonly device: number;
      readonly sticky: boolean;
    }
  | {
      readonly kind: 'system';
      readonly message: string;
      readonly errno: number;
    }
  | { readonly kind: 'truncated'; readonly message: string }
  | { readonly kind: 'internal'; readonly message: string };

/**
 * How a piece of work ended.
 * - `done`: as asked.
 * - `failed`: `failure` says why.
 * - `interrupted`: cancelled or out of time at a point where it could stop.
 * - `stuck`: cancelled or out of time inside a CUDA call; its thread was left behind.
 */
export type Outcome = 'done' | 'failed' | 'interrupted' | 'stuck';

export interface Settlement {
  readonly outcome: Outcome;
  readonly failure?: NativeFailure;
}

/** Work under way. `cancel()` asks it to stop; it then settles as interrupted or stuck. */
export interface NativeJob {
  cancel(): void;
}

export interface Probe {
  readonly deviceCount: number;
  /** 0 when the runtime answered; else its error. */
  readonly cudaCode: number;
  readonly cudaName: string;
  readonly message: string;
  readonly runtimeVersion: number;
  readonly driverVersion: number;
}

export interface NativeDeviceProperties {
  readonly index: number;
  readonly name: string;
  readonly uuid: string;
  readonly pciBusId: string;
  readonly totalMemory: number;
  readonly computeCapability: { readonly major: number; readonly minor: number };
  readonly memoryPoolsSupported: boolean;
}

/** The counters of one device. Zeros before the device's pool exists. */
export interface NativeMemoryStats {
  readonly allocatedCurrent: number;
  readonly allocatedPeak: number;
  readonly reservedCurrent: number;
  readonly reservedPeak: number;
  readonly requestedCurrent: number;
  readonly requestedPeak: number;
  readonly requestedAllocated: number;
  readonly requestedFreed: number;
  readonly blocksCurrent: number;
  readonly blocksPeak: number;
  readonly blocksAllocated: number;
  readonly blocksFreed: number;
  readonly outOfMemory: number;
}

export interface ReadingSettlement extends Settlement {
  readonly reading?: MemoryReading;
}

export interface ProcessMemorySettlement extends Settlement, Partial<ProcessMemory> {}

export interface NativeReleaseSettlement extends Settlement {
  /** False where it ended in the queue of its device: nothing has happened to the model. */
  readonly begun: boolean;
  /** What this release freed. */
  readonly freedBytes: number;
  readonly freedBlocks: number;
  /** Undefined where the device could not be read. */
  readonly before?: MemoryReading;
  readonly after?: MemoryReading;
  /** False when other work of the device ran at the same time, so that the readings prove nothing. */
  readonly exclusive: boolean;
}

/** The blocks of one model on its device. Garbage collection of an unreleased one releases it. */
export interface NativeModel {
  readonly device: number;
  readonly bytes: number;
  /** Freed and confirmed by the device, over all releases so far. */
  readonly freedBytes: number;
  readonly freedBlocks: number;
  /** True when a sticky error has ended the device. */
  readonly lost: boolean;
  /**
   * Frees the blocks that remain. `progress` gets the freed bytes and blocks, at most every 16 ms.
   * `returned` is called after a `stuck` settlement, once the call that was stuck has come back and
   * the counts are true again. Releases of one convoy, a number above 0, do not overtake each other
   * when one sits in a call.
   */
  release(
    progress: (freedBytes: number, freedBlocks: number) => void,
    settled: (settlement: NativeReleaseSettlement) => void,
    returned: () => void,
    convoy?: number,
  ): NativeJob;
}

/** The tensors of one request, in its order. */
export interface NativeTensors extends NativeModel {
  /** Where each tensor of the request lies, 0 for those without bytes; true until the first release. */
  pointers(): BigUint64Array;
  /** Which tensors' memory is held, by their index: what `freedBytes` does not count. */
  held(): Uint32Array;
  /**
   * Copies the tensor with this index back. `data` exactly where the outcome is `done`. `returned`
   * as for `release`: until then the model must not be released.
   */
  read(
    tensor: number,
    timeoutMs: number,
    settled: (settlement: Settlement & { readonly data?: Buffer }) => void,
    returned: () => void,
  ): NativeJob;
}

export interface NativeLoadRequest {
  readonly device: number;
  /** Duplicated by the addon: the caller closes its own. */
  readonly fd: number;
  /** Where each tensor's data lies in the file, and how long it is; parallel, ascending, no overlap. */
  readonly offsets: Float64Array;
  readonly sizes: Float64Array;
  readonly timeoutMs: number;
}

/** Process-wide: the two environments of a worker and its parent share one. */
export interface NativeWatchdog {
  /** Chains the handlers and starts the thread. @throws when it is armed already. */
  arm(options: {
    readonly signals: readonly number[];
    readonly timeoutMs: number;
    /** A signal this soon after the first is a duplicate of it. */
    readonly duplicateMs: number;
    /** How long JavaScript has to end the process after a second signal before the thread does. */
    readonly secondSignalGraceMs: number;
    /** The process whose signals are never second ones: they only repeat what it has asked for. */
    readonly onceFrom?: number;
  }): void;
  /** Gives the handlers back and stops counting. No-op when not armed. */
  disarm(): void;
  /** Starts the countdown, unless a signal has started it already. */
  begin(reason: string): void;
  /** Ends a countdown without ending the process (`exit: false`). */
  finish(): void;
  /** The first signal since arm() or finish(), and how long ago it arrived. */
  arrival(): { readonly signal: number; readonly ageMs: number } | undefined;
  /** What the thread says was pending when it fires; cut at 2,000 bytes. */
  setPending(text: string): void;
  /** Where the journal goes of a shutdown that JavaScript never saw; after `arm()`. */
  setJournalFolder(path: string): void;
  /**
   * The journal that its last line goes to when it fires, until `finish()` or `disarm()`. Duplicates
   * `fd`. @throws when it cannot.
   */
  setJournal(fd: number): void;
  /** From now on the process ends with this code, also when the watchdog has to end it. */
  decide(exitCode: number): void;
}

/** The worker threads that have a shutdown of their own. Process-wide. */
export interface NativeThreads {
  /** Enters this environment. It leaves by itself when its thread ends, however that ends. */
  enter(threadId: number): void;
  leave(): void;
  list(): readonly number[];
}

/** The simulated runtime itself. What is asked for wrongly is a RangeError. */
export interface NativeSimulator {
  /** A new world. @throws Error while there are models */
  begin(devices: number, memory: string, faults: string, ledger: string): void;
  inject(faults: string): void;
  releaseHangs(): void;
  calls(name: string): number;
  /** In the order of the file: native/simulator/ledger.h. */
  deviceLedger(device: number): readonly number[];
  pinnedHostBytes(): number;
}

export interface Addon {
  readonly runtime: 'cuda' | 'simulated';
  /** Once per environment, before anything else. */
  initialise(isMainThread: boolean): void;
  probe(): Probe;
  getDeviceProperties(device: number): NativeDeviceProperties;
  /** Whether the device has a context, anyone's. Never creates one. */
  isDeviceInitialised(device: number): boolean;
  /** Creates the device's context, as in torch. Waits for the device's thread, with a bound. */
  memGetInfo(device: number): { readonly free: number; readonly total: number };
  memoryStats(device: number): NativeMemoryStats;
  /** What the package holds of the device's pool, by its own count: never asks the driver. */
  heldBytes(device: number): number;
  resetPeakMemoryStats(device: number): void;
  resetAccumulatedMemoryStats(device: number): void;
  /** `resetPeakMemoryStats` on the device's thread. */
  resetPeaks(
    device: number,
    timeoutMs: number,
    settled: (settlement: Settlement) => void,
  ): NativeJob;
  emptyCache(
    device: number,
    timeoutMs: number,
    settled: (settlement: Settlement & { readonly releasedBytes: number }) => void,
  ): NativeJob;
  synchronize(
    device: number,
    timeoutMs: number,
    settled: (settlement: Settlement) => void,
  ): NativeJob;
  resetDevice(
    device: number,
    timeoutMs: number,
    settled: (settlement: Settlement) => void,
  ): NativeJob;
  /** Reads an initialised device on its own thread; `reading` is undefined for any other. */
  readMemory(
    device: number,
    timeoutMs: number,
    settled: (settlement: ReadingSettlement) => void,
  ): NativeJob;
  /**
   * Reads any device on its reading thread, which long work does not hold up; creates its context,
   * as cudaMemGetInfo does.
   */
  readFreeMemory(
    device: number,
    timeoutMs: number,
    settled: (settlement: ReadingSettlement) => void,
  ): NativeJob;
  processMemory(
    device: number,
    timeoutMs: number,
    settled: (settlement: ProcessMemorySettlement) => void,
  ): NativeJob;
  /** `progress` gets the bytes that are on the device, at most every 16 ms. */
  loadModel(
    request: NativeLoadRequest,
    progress: (loadedBytes: number) => void,
    settled: (settlement: Settlement & { readonly model?: NativeTensors }) => void,
  ): NativeJob;
  /** Of the simulated runtime's addon only. */
  readonly simulator?: NativeSimulator;
  readonly watchdog: NativeWatchdog;
  readonly threads: NativeThreads;
  /** One datagram to a unix socket: a path, or `@` and an abstract name. Waits at most 100 ms. @throws */
  notifySocket(address: string, text: string): void;
  /** `_exit`: no static destructor, no exit handler. */
  exitNow(exitCode: number): never;
}

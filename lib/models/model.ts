/** A model on a device: its state, its leases, its unload. */

import { deferred } from '../common/deferred.js';
import { AbortError, ModelStateError, UnloadError } from '../common/errors.js';
import { optionalFunction, optionalSignal, optionsObject, positiveMs } from '../common/options.js';
import type { NativeJob, NativeModel, NativeReleaseSettlement } from '../native/addon.js';
import { LeaseCounter, type Lease } from './lease.js';
import type { TensorInfo } from './tensor-info.js';
import type { UnloadProgress, UnloadResult } from './unloadable.js';
import { type CallerLimits, alreadyUnloaded, UnloadRun, type UnloadTarget } from './unload-run.js';

/**
 * `loaded → draining → releasing → unloaded`, and where a release ended early:
 * - `interrupted`: part of the memory is free, a later `unload()` frees the rest.
 * - `stuck`: a CUDA call has not come back. When it does, the state becomes what is then true.
 * - `lost`: the device failed for good; only the end of the process frees the memory.
 */
export type ModelState =
  'loaded' | 'draining' | 'releasing' | 'unloaded' | 'interrupted' | 'stuck' | 'lost';

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

const DEFAULT_TIMEOUT_MS = 30_000;

/** Made by `loadModel`. Object lifetime: collected without an unload, its memory is given back. */
export class Model {
  readonly name: string;
  /** The index of the device that it is on. */
  readonly device: number;
  /** Bytes of all tensors. */
  readonly bytes: number;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #native: NativeModel;
  readonly #leases = new LeaseCounter();
  #state: ModelState = 'loaded';
  #run: UnloadRun | undefined;
  /** While the native release of an earlier run has not come back. */
  #releasing: Promise<void> | undefined;

  /** @internal */
  constructor(name: string, tensors: ReadonlyMap<string, TensorInfo>, native: NativeModel) {
    this.name = name;
    this.tensors = tensors;
    this.device = native.device;
    this.bytes = native.bytes;
    this.#native = native;
  }

  get state(): ModelState {
    return this.#state;
  }

  /**
   * Claims the model for one piece of work: an unload waits until every lease is released.
   *
   * @throws ModelStateError unless the model is `loaded`
   */
  acquire(): Lease {
    if (this.#state !== 'loaded') {
      throw new ModelStateError(
        `Expected the model ${this.name} to be loaded, it is ${this.#state}`,
        this.#state,
      );
    }
    return this.#leases.take();
  }

  /**
   * Waits for the leases, then frees the tensors one by one on the device's thread, and measures
   * what came back. Calls during an unload share it. An abort or a timeout while it drains leaves
   * the model as it was; while it releases, the model is `interrupted` (or `stuck` in a call that
   * does not come back) and a later `unload()` frees exactly the rest.
   *
   * @throws AbortError or TimeoutError, with `freedBytes` and `remainingBytes`
   * @throws UnloadError when CUDA refused to free, or the device is lost
   */
  async unload(options?: UnloadOptions): Promise<UnloadResult> {
    const limits = limitsFrom(options);
    if (limits.signal?.aborted === true) throw this.#abortedBefore(limits.signal);
    if (this.#state === 'unloaded') return alreadyUnloaded(this.name);
    if (this.#run?.open === true) return this.#run.join(limits);
    const run = new UnloadRun(this.#target());
    this.#run = run;
    const joined = run.join(limits);
    run.start(this.#releasing);
    return joined;
  }

  #target(): UnloadTarget {
    const leases = this.#leases;
    const native = this.#native;
    return {
      name: this.name,
      bytes: this.bytes,
      get leasesHeld() {
        return leases.held;
      },
      get freedBytes() {
        return native.freedBytes;
      },
      nothingLeft: () => this.#nothingLeft(),
      beginDraining: (idle) => {
        const before = this.#state;
        this.#state = 'draining';
        const stopWaiting = leases.whenIdle(idle);
        return () => {
          stopWaiting();
          this.#state = before;
        };
      },
      beginReleasing: (progress, settled) => this.#beginReleasing(progress, settled),
    };
  }

  #nothingLeft(): boolean {
    if (this.#state !== 'lost') return this.#state === 'unloaded';
    throw new UnloadError(
      `The device ${this.device} of the model ${this.name} is lost; only the end of the process frees its memory`,
      {
        phase: 'releasing',
        freedBytes: this.#native.freedBytes,
        remainingBytes: this.bytes - this.#native.freedBytes,
      },
    );
  }

  #beginReleasing(
    progress: () => void,
    settled: (settlement: NativeReleaseSettlement) => void,
  ): NativeJob {
    this.#state = 'releasing';
    const { promise, resolve } = deferred<undefined>();
    this.#releasing = promise;
    const cameBack = (): void => {
      this.#releasing = undefined;
      resolve(undefined);
    };
    return this.#native.release(
      progress,
      (settlement) => {
        this.#state = settlement.outcome === 'stuck' ? 'stuck' : this.#stateNow(settlement);
        if (settlement.outcome !== 'stuck') cameBack();
        settled(settlement);
      },
      () => {
        this.#state = this.#stateNow();
        cameBack();
      },
    );
  }

  #stateNow(settlement?: NativeReleaseSettlement): ModelState {
    if (settlement?.outcome === 'done' || this.#native.freedBytes === this.bytes) return 'unloaded';
    return this.#native.lost ? 'lost' : 'interrupted';
  }

  #abortedBefore(signal: AbortSignal): AbortError {
    const { freedBytes } = this.#native;
    return new AbortError(`The unload of ${this.name} was aborted before it began`, {
      cause: signal.reason,
      freedBytes,
      remainingBytes: this.bytes - freedBytes,
    });
  }
}

function limitsFrom(options: UnloadOptions | undefined): CallerLimits {
  const given = optionsObject(options, ['signal', 'timeoutMs', 'drainMs', 'onProgress']);
  return {
    signal: optionalSignal(given.signal),
    timeoutMs: positiveMs('timeoutMs', given.timeoutMs, DEFAULT_TIMEOUT_MS),
    drainMs: positiveMs('drainMs', given.drainMs, Infinity),
    onProgress: optionalFunction('onProgress', given.onProgress),
  };
}

/** The life of one thing that holds memory: its state, its leases, its unload. */

import { deferred } from '../common/deferred.js';
import { ModelStateError, type RemainingTensors, UnloadError } from '../common/errors.js';
import type { Convoy, Turns, UnloadInTurn } from './in-turn.js';
import { LeaseCounter, type Lease } from './lease.js';
import type { ReleaseJob, ReleaseSettlement, Resource } from './resource.js';
import { abortedBefore, balanceOf } from './unload-errors.js';
import { callerLimits, type UnloadOptions } from './unload-options.js';
import { alreadyUnloaded } from './unload-result.js';
import { UnloadRun, type UnloadTarget } from './unload-run.js';
import type { UnloadResult } from './unloadable.js';

/**
 * `loaded → draining → releasing → unloaded`, and where a release ended early:
 * - `interrupted`: not all of the memory is free, a later `unload()` frees the rest. A release that
 *   ended in the queue of its device leaves the model as it was.
 * - `stuck`: a CUDA call, or a runtime's disposal, has not come back. When it does, the state becomes
 *   what is then true.
 * - `lost`: the device, or the runtime's disposal, failed for good; only the end of the process frees
 *   the memory.
 */
export type ModelState =
  'loaded' | 'draining' | 'releasing' | 'unloaded' | 'interrupted' | 'stuck' | 'lost';

/** Told when draining begins, and how long it may take. Answers what to call when it is over. */
export type OnDraining = (limitMs: number) => () => void;

/** Object lifetime: that of the model. */
export class Lifecycle implements UnloadTarget {
  readonly name: string;
  readonly #resource: Resource;
  readonly #onDraining: OnDraining | undefined;
  readonly #leases = new LeaseCounter();
  #state: ModelState = 'loaded';
  /** The state in which the last draining found it. */
  #before: ModelState = 'loaded';
  #run: UnloadRun | undefined;
  /** While an earlier release has not come back. */
  #releasing: Promise<void> | undefined;

  constructor(name: string, resource: Resource, onDraining?: OnDraining) {
    this.name = name;
    this.#resource = resource;
    this.#onDraining = onDraining;
  }

  get state(): ModelState {
    return this.#state;
  }

  get leases(): number {
    return this.#leases.held;
  }

  get lastUse(): number {
    return this.#leases.lastUse;
  }

  /** @throws ModelStateError unless the state is `loaded` */
  acquire(): Lease {
    if (this.#state !== 'loaded') {
      throw new ModelStateError(
        `Expected the model ${this.name} to be loaded, it is ${this.#state}`,
        this.#state,
      );
    }
    return this.#leases.take();
  }

  /** @throws AbortError, TimeoutError, UnloadError */
  async unload(options?: UnloadOptions): Promise<UnloadResult> {
    const limits = callerLimits(options);
    if (limits.signal?.aborted === true) {
      throw abortedBefore(this.name, this.#resource, limits.signal.reason);
    }
    if (this.#state === 'unloaded') return alreadyUnloaded(this.name);
    return this.#join((run) => run.join(limits));
  }

  unloadInTurn(turns: Turns): UnloadInTurn {
    if (this.#state !== 'unloaded') return this.#join((run) => run.joinInTurn(turns));
    const nothing = (): void => undefined;
    const result = Promise.resolve(alreadyUnloaded(this.name));
    return { result, abort: nothing, timeOut: nothing };
  }

  #join<T>(join: (run: UnloadRun) => T): T {
    if (this.#run?.open === true) return join(this.#run);
    const run = new UnloadRun(this);
    this.#run = run;
    const joined = join(run);
    run.start(this.#releasing);
    return joined;
  }

  get bytes(): number {
    return this.#resource.bytes;
  }

  get freedBytes(): number {
    return this.#resource.freedBytes;
  }

  get remainingTensors(): RemainingTensors | undefined {
    return this.#resource.remainingTensors;
  }

  get stuckIn(): string {
    return this.#resource.stuckIn;
  }

  nothingLeft(): boolean {
    if (this.#state !== 'lost') return this.#state === 'unloaded';
    const { because = `The model ${this.name} is lost`, cause } = this.#resource.lost ?? {};
    throw new UnloadError(
      `${because}; only the end of the process frees its memory`,
      { phase: 'releasing', ...balanceOf(this.#resource) },
      cause === undefined ? undefined : { cause },
    );
  }

  beginDraining(idle: () => void, limitMs: number): () => void {
    const before = this.#state;
    this.#before = before;
    this.#state = 'draining';
    const over = this.#onDraining?.(limitMs);
    const stopWaiting = this.#leases.whenIdle(() => {
      over?.();
      idle();
    });
    return () => {
      over?.();
      stopWaiting();
      this.#state = before;
    };
  }

  beginReleasing(
    convoy: Convoy,
    progress: () => void,
    settled: (settlement: ReleaseSettlement) => void,
  ): ReleaseJob {
    this.#state = 'releasing';
    const { promise, resolve } = deferred<undefined>();
    this.#releasing = promise;
    const cameBack = (): void => {
      this.#releasing = undefined;
      resolve(undefined);
    };
    return this.#resource.release(
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
      convoy,
    );
  }

  #stateNow(settlement?: ReleaseSettlement): ModelState {
    if (settlement?.outcome === 'done' || this.#resource.released) return 'unloaded';
    // Nothing has happened to it: it can be used as before.
    if (settlement?.outcome === 'interrupted' && settlement.begun === false) return this.#before;
    return this.#resource.lost === undefined ? 'interrupted' : 'lost';
  }
}

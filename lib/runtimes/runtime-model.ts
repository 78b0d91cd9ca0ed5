/** A model of another runtime: the leases, states and unload of a `Model`, around its own disposal. */

import { AsyncLocalStorage } from 'node:async_hooks';

import { AbortError } from '../common/errors.js';
import { expected } from '../common/expected.js';
import { limitTimer } from '../common/limit-timer.js';
import { Lifecycle, type ModelState } from '../models/lifecycle.js';
import type { Lease } from '../models/lease.js';
import type { UnloadOptions } from '../models/unload-options.js';
import type { UnloadResult } from '../models/unloadable.js';
import { Disposal } from './disposal.js';
import type { RuntimeSettings } from './options.js';

/**
 * What the adapters have taken over, and by which name. Process lifetime: two adapters of one object
 * would dispose of it twice, which runtimes answer with an error or a crash.
 */
const owned = new WeakMap<object, string>();

/** What a piece of work is given. */
export interface WorkContext {
  /** Aborts when an unload has waited long enough for the work: see `abortAfterMs`. */
  readonly signal: AbortSignal;
}

/** One piece of work, and all that it calls, also what goes on behind its end. */
class Work implements WorkContext {
  readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  readonly lease: Lease;
  /** How many calls of `use` go on; it has ended when none does. */
  running = 0;

  constructor(lease: Lease) {
    this.lease = lease;
  }
}

/** Made by the adapters. Object lifetime. */
export class RuntimeModel {
  readonly name: string;
  /** As the `bytes` option says; 0 where it did not. */
  readonly bytes: number;
  /** The index of the device that holds it, as the `device` option says. */
  readonly device: number | undefined;
  readonly #lifecycle: Lifecycle;
  readonly #works = new Set<Work>();
  /** The work that the caller is part of. */
  readonly #around = new AsyncLocalStorage<Work>();

  /**
   * @internal
   * @param owns What is disposed of, and must not be by another adapter.
   */
  constructor(settings: RuntimeSettings, owns: object, dispose: () => unknown) {
    const { name, bytes, device, abortAfterMs } = settings;
    const owner = owned.get(owns);
    if (owner !== undefined) {
      throw new TypeError(
        expected(`what the model ${name} disposes of`, `no other model's (it is ${owner}'s)`, owns),
      );
    }
    owned.set(owns, name);
    this.name = name;
    this.bytes = bytes;
    this.device = device;
    this.#lifecycle = new Lifecycle(name, new Disposal(settings, dispose), (limitMs) => {
      const afterMs = abortAfterMs ?? limitMs / 2;
      if (afterMs === 0) this.#abortWork();
      const timer = limitTimer(afterMs, () => {
        this.#abortWork();
      });
      return () => {
        clearTimeout(timer);
      };
    });
  }

  /** As of a `Model`. `lost` after a disposal that failed: it is never tried again. */
  get state(): ModelState {
    return this.#lifecycle.state;
  }

  /** How many leases are held. */
  get leases(): number {
    return this.#lifecycle.leases;
  }

  /** Grows with every lease given back, of any model: the smaller, the longer ago. */
  get lastUse(): number {
    return this.#lifecycle.lastUse;
  }

  /**
   * Claims the model for one piece of work: an unload waits until every lease is released.
   *
   * @throws ModelStateError unless the model is `loaded`
   */
  acquire(): Lease {
    return this.#lifecycle.acquire();
  }

  /**
   * Holds a lease while `work` goes on, which should hand its `signal` on to what can be aborted.
   * Work inside of work belongs to it: an unload that has begun meanwhile does not refuse it, and the
   * lease is held until all of it has ended.
   *
   * @throws ModelStateError unless the model is `loaded`; what `work` throws
   */
  async use<T>(work: (context: WorkContext) => T | PromiseLike<T>): Promise<T> {
    const around = this.#around.getStore();
    const own = around !== undefined && around.running > 0 ? around : this.#begin();
    own.running += 1;
    try {
      return await this.#around.run(own, () => work(own));
    } finally {
      own.running -= 1;
      if (own.running === 0) {
        this.#works.delete(own);
        own.lease.release();
      }
    }
  }

  #begin(): Work {
    const work = new Work(this.acquire());
    this.#works.add(work);
    return work;
  }

  /**
   * Waits for the leases, aborts the work of `use` that takes too long, and disposes once, in the
   * order that the runtime needs. Calls during an unload share it. An abort or a timeout while it
   * drains leaves the model `loaded`; a disposal cannot be cancelled, so that afterwards the model is
   * `stuck` until it has ended after all. One that fails is not tried again: the model is `lost`.
   *
   * @throws AbortError or TimeoutError, with `freedBytes` and `remainingBytes`
   * @throws UnloadError whose `cause` is what the disposal threw
   */
  async unload(options?: UnloadOptions): Promise<UnloadResult> {
    return this.#lifecycle.unload(options);
  }

  #abortWork(): void {
    for (const { controller } of [...this.#works]) {
      controller.abort(new AbortError(`The model ${this.name} is being unloaded`));
    }
  }
}

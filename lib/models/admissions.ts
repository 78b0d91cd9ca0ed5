/** What is on its way into a registry: from the call of `admit()` until it is registered, or has failed. */

import { deferred } from '../common/deferred.js';
import { AbortError, ModelStateError } from '../common/errors.js';
import { within } from '../common/within.js';

/** One of them. */
export interface Admission {
  /** The names of what it depends on: that must not be unloaded before it is registered. */
  readonly dependsOn: readonly string[];
  /** Aborts when everything is to be unloaded. */
  readonly signal: AbortSignal;
  /** @throws ModelStateError once everything is to be unloaded */
  checkBeforeLoad(): void;
  /** @throws ModelStateError when that does not wait for it any more */
  checkAfterLoad(): void;
  /** To be called when it is registered, or has failed. */
  end(): void;
}

interface UnderWay extends Admission {
  readonly stop: AbortController;
  readonly ended: Promise<undefined>;
  /** How many unloadAll() wait for it. */
  awaitedBy: number;
}

/** One unloadAll(): while it lasts, nothing new is admitted. */
export interface Stop {
  /**
   * Waits for those that were under way, until `endsAt` or an abort. Answers how many have not ended:
   * they will be refused.
   */
  wait(endsAt: number, signal: AbortSignal | undefined): Promise<number>;
  over(): void;
}

/** Object lifetime: that of its registry. */
export class Admissions {
  readonly #underWay = new Set<UnderWay>();
  /** How many unloadAll() are under way. */
  #unloading = 0;
  #closed = false;

  get size(): number {
    return this.#underWay.size;
  }

  /** @throws ModelStateError after the last time */
  checkOpen(): void {
    if (this.#closed && this.#unloading === 0) throw refused();
  }

  /** @throws ModelStateError while everything is being unloaded, and after the last time */
  begin(dependsOn: readonly string[]): Admission {
    if (this.#closed || this.#unloading > 0) throw refused();
    const stop = new AbortController();
    const { promise, resolve } = deferred<undefined>();
    const admission: UnderWay = {
      dependsOn,
      stop,
      signal: stop.signal,
      ended: promise,
      awaitedBy: 0,
      checkBeforeLoad: () => {
        if (stop.signal.aborted) throw refused();
      },
      checkAfterLoad: () => {
        if (stop.signal.aborted && admission.awaitedBy === 0) throw refused();
      },
      end: () => {
        this.#underWay.delete(admission);
        resolve(undefined);
      },
    };
    this.#underWay.add(admission);
    return admission;
  }

  /** Whether one of them depends on it. */
  need(name: string): boolean {
    return [...this.#underWay].some(({ dependsOn }) => dependsOn.includes(name));
  }

  /** Tells those under way to stop. @param close Lets none begin afterwards either. */
  stop(close: boolean): Stop {
    this.#unloading += 1;
    this.#closed ||= close;
    const stopped = [...this.#underWay];
    for (const admission of stopped) {
      admission.awaitedBy += 1;
      admission.stop.abort(new AbortError('Everything in the registry is being unloaded'));
    }
    return {
      wait: async (endsAt, signal) => {
        const all = Promise.all(stopped.map(({ ended }) => ended));
        await within(all, endsAt - performance.now(), signal);
        for (const admission of stopped) admission.awaitedBy -= 1;
        return stopped.filter((one) => this.#underWay.has(one)).length;
      },
      over: () => {
        this.#unloading -= 1;
      },
    };
  }
}

function refused(): ModelStateError {
  return new ModelStateError(
    'Expected the registry to take models, everything in it is being, or has been, unloaded',
    'unloading',
  );
}

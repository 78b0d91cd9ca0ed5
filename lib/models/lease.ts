/** Leases: in-flight work holds one, and what is leased is not freed. */

/** A claim on a model for the time of one piece of work. Releasing it twice does nothing. */
export interface Lease extends Disposable {
  /** Gives it back. The second time it does nothing. */
  release(): void;
}

/** Counts the leases of all models, so that their last uses can be compared. Process lifetime. */
let uses = 0;

/** Counts the leases of one model. Object lifetime. */
export class LeaseCounter {
  #held = 0;
  #lastUse = (uses += 1);
  #onIdle: (() => void) | undefined;

  get held(): number {
    return this.#held;
  }

  /** Grows with every lease taken or given back, of any model. */
  get lastUse(): number {
    return this.#lastUse;
  }

  take(): Lease {
    this.#held += 1;
    return new HeldLease(() => {
      this.#held -= 1;
      this.#lastUse = uses += 1;
      if (this.#held === 0) this.#onIdle?.();
    });
  }

  /** Calls `idle` once, when no lease is held: at once if none is. Answers how to call it off. */
  whenIdle(idle: () => void): () => void {
    if (this.#held === 0) {
      idle();
      return () => undefined;
    }
    const once = (): void => {
      this.#onIdle = undefined;
      idle();
    };
    this.#onIdle = once;
    return () => {
      if (this.#onIdle === once) this.#onIdle = undefined;
    };
  }
}

class HeldLease implements Lease {
  #giveBack: (() => void) | undefined;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** An object whose disposals end when, and as, the test says. */

import { deferred, type Deferred } from '../../lib/common/deferred.js';

export class HandMade {
  readonly disposals: Deferred<undefined>[] = [];
  #onDispose: (() => void) | undefined;

  dispose(): Promise<undefined> {
    const disposal = deferred<undefined>();
    this.disposals.push(disposal);
    this.#onDispose?.();
    return disposal.promise;
  }

  /** Resolves when the disposal that begins next has begun. */
  async begun(): Promise<Deferred<undefined>> {
    if (this.disposals.length === 0) {
      await new Promise<void>((resolve) => {
        this.#onDispose = resolve;
      });
    }
    const latest = this.disposals.at(-1);
    if (latest === undefined) throw new Error('No disposal has begun');
    return latest;
  }
}

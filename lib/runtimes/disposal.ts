/** A runtime's disposal, as what a lifecycle releases: called once, never again, and not to be cancelled. */

import { toError } from '../common/errors.js';
import type { ReleaseJob, ReleaseSettlement, Resource } from '../models/resource.js';

/** Object lifetime. Lets go of what it disposes of as soon as that is done. */
export class Disposal implements Resource {
  readonly stuckIn = 'its disposal';
  /** The runtime does not tell. */
  readonly remainingTensors = undefined;
  readonly bytes: number;
  readonly #name: string;
  #dispose: (() => unknown) | undefined;
  #failure: Error | undefined;

  constructor(name: string, bytes: number, dispose: () => unknown) {
    this.#name = name;
    this.bytes = bytes;
    this.#dispose = dispose;
  }

  get released(): boolean {
    return this.#dispose === undefined && this.#failure === undefined;
  }

  get freedBytes(): number {
    return this.released ? this.bytes : 0;
  }

  get lost(): Resource['lost'] {
    if (this.#failure === undefined) return undefined;
    return { because: `The disposal of the model ${this.#name} failed`, cause: this.#failure };
  }

  /**
   * Begins in a later turn: work whose lease has ended gets to its own end first, and so do runs that
   * were queued past the leases. Stopped before that turn it is `interrupted`, and nothing has happened.
   */
  release(
    _progress: () => void,
    settled: (settlement: ReleaseSettlement) => void,
    returned: () => void,
  ): ReleaseJob {
    const rssBefore = process.memoryUsage.rss();
    const settle = (outcome: ReleaseSettlement['outcome']): void => {
      settled({
        outcome,
        ...(outcome === 'failed' && this.#failure !== undefined ? { error: this.#failure } : {}),
        freedBytes: this.freedBytes,
        tensors: 0,
        memory: {
          before: undefined,
          after: undefined,
          rss: { before: rssBefore, after: process.memoryUsage.rss() },
          verified: 'unverifiable',
        },
      });
    };
    let isStuck = false;
    const disposed = async (): Promise<void> => {
      begun = true;
      await this.#run();
      if (isStuck) returned();
      else settle(this.#failure === undefined ? 'done' : 'failed');
    };
    let begun = false;
    const turn = setImmediate(() => {
      void disposed();
    });
    return {
      cancel: () => {
        clearImmediate(turn);
        isStuck = begun;
        settle(begun ? 'stuck' : 'interrupted');
      },
    };
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    try {
      await this.#dispose?.();
    } catch (thrown) {
      this.#failure = toError(thrown);
    }
    this.#dispose = undefined;
  }
}

/** A runtime's disposal, as what a lifecycle releases: called once, never again, and not to be cancelled. */

import { toError } from '../common/errors.js';
import type { ReleaseJob, ReleaseSettlement, Resource } from '../models/resource.js';
import { compare, type Footprint, footprint, hostFootprint } from './footprint.js';
import type { RuntimeSettings } from './options.js';

type Phase = 'waiting' | 'disposing' | 'disposed';

/** Object lifetime. Lets go of what it disposes of as soon as that is done. */
export class Disposal implements Resource {
  readonly stuckIn = 'its disposal';
  /** The runtime does not tell. */
  readonly remainingTensors = undefined;
  readonly bytes: number;
  readonly #name: string;
  readonly #device: number | undefined;
  #dispose: (() => unknown) | undefined;
  #failure: Error | undefined;

  constructor(
    { name, bytes, device }: Pick<RuntimeSettings, 'name' | 'bytes' | 'device'>,
    dispose: () => unknown,
  ) {
    this.#name = name;
    this.bytes = bytes;
    this.#device = device;
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
   * were queued past the leases. Stopped before the disposal it is `interrupted`, and nothing has
   * happened; stopped behind it, only the last measurement is missing.
   */
  release(
    _progress: () => void,
    settled: (settlement: ReleaseSettlement) => void,
    returned: () => void,
  ): ReleaseJob {
    let phase: Phase = 'waiting';
    let told = false;
    // It may become true while something is awaited, which the compiler cannot see.
    const isTold = (): boolean => told;
    let before = hostFootprint();
    const settle = (outcome: ReleaseSettlement['outcome'], after = hostFootprint()): void => {
      if (told) return;
      told = true;
      const memory = compare(this.bytes, before, after);
      settled({
        outcome,
        ...this.#errorOf(outcome),
        freedBytes: this.freedBytes,
        tensors: 0,
        memory,
      });
    };
    const ended = (after?: Footprint): void => {
      settle(this.#failure === undefined ? 'done' : 'failed', after);
    };
    const run = async (): Promise<void> => {
      before = await footprint(this.#device);
      if (isTold()) return;
      phase = 'disposing';
      await this.#run();
      phase = 'disposed';
      if (isTold()) returned();
      else ended(await footprint(this.#device));
    };
    const turn = setImmediate(() => {
      void run();
    });
    return {
      cancel: () => {
        clearImmediate(turn);
        if (phase === 'disposed') ended();
        else settle(phase === 'disposing' ? 'stuck' : 'interrupted');
      },
    };
  }

  #errorOf(outcome: ReleaseSettlement['outcome']): { readonly error?: Error } {
    return outcome === 'failed' && this.#failure !== undefined ? { error: this.#failure } : {};
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

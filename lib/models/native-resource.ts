/** The blocks of a model on a device, as what a lifecycle releases. */

import type { RemainingTensor, RemainingTensors } from '../common/errors.js';
import type { NativeModel } from '../native/addon.js';
import { failureError } from '../native/failures.js';
import type { Convoy } from './in-turn.js';
import { remainingOf } from './remaining.js';
import type { ReleaseJob, ReleaseSettlement, Resource } from './resource.js';
import { verify } from './verify.js';

/** A native model, of which may be known what its tensors are called, and where they are. */
export type PlacedNative = NativeModel & {
  readonly devices?: readonly number[];
  readonly bytesByDevice?: ReadonlyMap<number, number>;
  readonly allTensors?: () => readonly RemainingTensor[];
  readonly heldTensors?: () => readonly RemainingTensor[];
};

export class NativeResource implements Resource {
  readonly stuckIn = 'a CUDA call';
  readonly #name: string;
  readonly #native: PlacedNative;

  constructor(name: string, native: PlacedNative) {
    this.#name = name;
    this.#native = native;
  }

  get bytes(): number {
    return this.#native.bytes;
  }

  get freedBytes(): number {
    return this.#native.freedBytes;
  }

  get remainingTensors(): RemainingTensors | undefined {
    return remainingOf(this.#native.heldTensors?.() ?? []);
  }

  get released(): boolean {
    return this.freedBytes === this.bytes;
  }

  get lost(): Resource['lost'] {
    if (!this.#native.lost) return undefined;
    return { because: `The device ${this.#native.device} of the model ${this.#name} is lost` };
  }

  release(
    progress: () => void,
    settled: (settlement: ReleaseSettlement) => void,
    returned: () => void,
    convoy: Convoy,
  ): ReleaseJob {
    // To describe thousands of tensors takes longer than to free them: before the first release it is all.
    const heldBefore = this.freedBytes === 0 ? undefined : this.#native.heldTensors?.();
    return this.#native.release(
      progress,
      (settlement) => {
        const { outcome, begun, failure, freedBytes, freedBlocks } = settlement;
        const memory = verify(settlement);
        const unverified =
          memory.verified === false
            ? remainingOf(heldBefore ?? this.#native.allTensors?.() ?? [])
            : undefined;
        settled({
          outcome,
          begun,
          ...(failure === undefined ? {} : { error: failureError(failure) }),
          freedBytes,
          tensors: freedBlocks,
          memory,
          ...(unverified === undefined ? {} : { unverified }),
        });
      },
      returned,
      convoy,
    );
  }
}

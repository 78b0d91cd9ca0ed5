/** The blocks of a model on a device, as what a lifecycle releases. */

import type { NativeModel } from '../native/addon.js';
import { failureError } from '../native/failures.js';
import type { Convoy } from './in-turn.js';
import type { ReleaseJob, ReleaseSettlement, Resource } from './resource.js';
import { verify } from './verify.js';

export class NativeResource implements Resource {
  readonly stuckIn = 'a CUDA call';
  readonly #name: string;
  readonly #native: NativeModel;

  constructor(name: string, native: NativeModel) {
    this.#name = name;
    this.#native = native;
  }

  get bytes(): number {
    return this.#native.bytes;
  }

  get freedBytes(): number {
    return this.#native.freedBytes;
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
    return this.#native.release(
      progress,
      (settlement) => {
        const { outcome, begun, failure, freedBytes, freedBlocks } = settlement;
        settled({
          outcome,
          begun,
          ...(failure === undefined ? {} : { error: failureError(failure) }),
          freedBytes,
          tensors: freedBlocks,
          memory: verify(settlement),
        });
      },
      returned,
      convoy,
    );
  }
}

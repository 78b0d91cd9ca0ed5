/** A native model whose releases end when, and as, the test says. */

import type {
  NativeModel,
  NativeReleaseSettlement,
  NativeTensors,
  Outcome,
} from '../../lib/native/addon.js';

/** One release under way. */
export class FakeRelease {
  cancelled = false;
  readonly #model: FakeNativeModel;
  readonly #progress: () => void;
  readonly #settled: (settlement: NativeReleaseSettlement) => void;
  readonly #returned: () => void;
  readonly #freedBefore: number;

  constructor(
    model: FakeNativeModel,
    progress: () => void,
    settled: (settlement: NativeReleaseSettlement) => void,
    returned: () => void,
  ) {
    this.#model = model;
    this.#progress = progress;
    this.#settled = settled;
    this.#returned = returned;
    this.#freedBefore = model.freedBytes;
  }

  frees(bytes: number): void {
    this.#model.freedBytes += bytes;
    this.#model.freedBlocks += 1;
    this.#progress();
  }

  settles(outcome: Outcome, extra: Partial<NativeReleaseSettlement> = {}): void {
    if (outcome === 'done') this.#model.freedBytes = this.#model.bytes;
    this.#settled({
      outcome,
      begun: true,
      freedBytes: this.#model.freedBytes - this.#freedBefore,
      freedBlocks: this.#model.freedBlocks,
      exclusive: true,
      ...extra,
    });
  }

  /** The call that was stuck comes back. */
  returns(): void {
    this.#returned();
  }
}

export class FakeNativeModel implements NativeModel {
  readonly device: number;
  readonly bytes: number;
  freedBytes = 0;
  freedBlocks = 0;
  lost = false;
  readonly releases: FakeRelease[] = [];

  constructor(bytes = 100, device = 0) {
    this.bytes = bytes;
    this.device = device;
  }

  release(
    progress: (freedBytes: number, freedBlocks: number) => void,
    settled: (settlement: NativeReleaseSettlement) => void,
    returned: () => void,
  ): { cancel: () => void } {
    const release = new FakeRelease(
      this,
      () => {
        progress(this.freedBytes, this.freedBlocks);
      },
      settled,
      returned,
    );
    this.releases.push(release);
    return {
      cancel: () => {
        release.cancelled = true;
      },
    };
  }

  /** The release that began last. */
  get latest(): FakeRelease {
    const release = this.releases.at(-1);
    if (release === undefined) throw new Error('No release has begun');
    return release;
  }
}

/** The same as what a load answers, for what only releases it. */
export class FakeNativeTensors extends FakeNativeModel implements NativeTensors {
  pointers(): BigUint64Array {
    return BigUint64Array.of(BigInt(this.bytes));
  }

  held(): Uint32Array {
    return Uint32Array.from(this.freedBytes < this.bytes ? [0] : []);
  }

  read(): never {
    throw new Error('Expected nobody to read');
  }
}

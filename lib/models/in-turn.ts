/**
 * An unload in its turn: begun while others of its device are being freed, its release waits in the
 * queue of the device's thread. Who gives out the turns keeps its time.
 */

import type { UnloadContext, UnloadResult } from './unloadable.js';

/** Those whose releases go one behind the other on a device, and do not overtake. 0 is none. */
export type Convoy = number;

export interface Turns {
  readonly convoy: Convoy;
  readonly onProgress: UnloadContext['onProgress'] | undefined;
  /** Its release is with its device now: that of another would queue behind it. */
  onReleasing(): void;
}

export interface UnloadInTurn {
  /** It settles soon after an `abort` or a `timeOut`: with their error, if it was not done. */
  readonly result: Promise<UnloadResult>;
  abort(reason: unknown): void;
  /** @param limitMs How long it had. */
  timeOut(limitMs: number): void;
}

const CONVOYS = 2 ** 32 - 1;

/** Process lifetime; in each worker its own, where the same number only lets a stall last longer. */
let convoys = 0;

export function newConvoy(): Convoy {
  convoys = (convoys % CONVOYS) + 1;
  return convoys;
}

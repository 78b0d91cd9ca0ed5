/**
 * One model's unload within its time, which begins when it is the first in its lane: until then its
 * release may wait in the queue of its device. A model ends soon after it was told to, whatever hangs.
 */

import { limitTimer } from '../common/limit-timer.js';
import type { Turns } from './in-turn.js';
import { type Model, unloadInTurn } from './model.js';
import { refuseToBegin, type UnloadBounds } from './unload-within.js';
import type { UnloadResult } from './unloadable.js';

/**
 * @param bounds With a limit where it is the first already.
 * @param whenFirst Calls its argument once it is, with the limit that then holds.
 */
export async function unloadModelWithin(
  model: Model,
  bounds: UnloadBounds,
  queue: Pick<Turns, 'convoy' | 'onReleasing'>,
  whenFirst: (begin: (limitMs: number) => void) => void,
): Promise<UnloadResult> {
  refuseToBegin(bounds);
  const { signal, onProgress } = bounds;
  const unload = unloadInTurn(model, { ...queue, onProgress });
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  whenFirst((limitMs) => {
    if (ended) return;
    timer = limitTimer(Math.max(0, limitMs), () => {
      unload.timeOut(Math.round(limitMs));
    });
  });
  const onAbort = (): void => {
    unload.abort(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await unload.result;
  } finally {
    ended = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

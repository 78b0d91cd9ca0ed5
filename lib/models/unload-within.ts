/** One unload within its time: told to stop when that is over, and left to itself soon after. */

import { deferred } from '../common/deferred.js';
import { AbortError, TimeoutError, toError, type UnloadBalance } from '../common/errors.js';
import { limitTimer } from '../common/limit-timer.js';
import type { Unloadable, UnloadContext } from './unloadable.js';

export interface UnloadBounds {
  readonly name: string;
  readonly limitMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: UnloadContext['onProgress'] | undefined;
  /** What an unload that does not begin leaves behind; undefined where that is not known. */
  readonly held: () => UnloadBalance | undefined;
}

/**
 * An unload that keeps `timeoutMs` itself, as models do, ends with an error that says how far it came:
 * it gets this much longer before the signal aborts.
 */
const SIGNAL_DELAY_MS = 20;
/** How long after its signal an unload is left to itself. */
const GRACE_MS = 20;

/** @throws AbortError or TimeoutError, when there is no time for it any more */
export function refuseToBegin({ name, limitMs, signal, held }: UnloadBounds): void {
  if (signal?.aborted === true) {
    throw new AbortError(`The unload of ${name} was aborted before it began`, {
      cause: signal.reason,
      ...held(),
    });
  }
  if (limitMs <= 0) {
    throw new TimeoutError(
      `Expected time to be left for the unload of ${name}, there was none`,
      held(),
    );
  }
}

export async function unloadWithin(unloadable: Unloadable, bounds: UnloadBounds): Promise<unknown> {
  refuseToBegin(bounds);
  const { name, limitMs, signal, onProgress } = bounds;
  const stop = new AbortController();
  const { promise: leftBehind, reject: leave } = deferred<never>();
  const timers: (NodeJS.Timeout | undefined)[] = [];
  let ours: Error | undefined;
  const giveUp = (error: Error, reason: unknown): void => {
    if (ours !== undefined) return;
    ours = error;
    stop.abort(reason);
    timers.push(
      setTimeout(() => {
        leave(error);
      }, GRACE_MS),
    );
  };
  const onAbort = (): void => {
    const cause: unknown = signal?.reason;
    giveUp(new AbortError(`The unload of ${name} was aborted`, { cause }), cause);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  timers.push(
    limitTimer(limitMs + SIGNAL_DELAY_MS, () => {
      const error = new TimeoutError(
        `Expected the unload of ${name} to end within ${Math.round(limitMs)} ms, it did not`,
      );
      giveUp(error, error);
    }),
  );
  try {
    const unloading = unloadable.unload({
      signal: stop.signal,
      timeoutMs: limitMs,
      onProgress: onProgress ?? (() => undefined),
    });
    return await Promise.race([unloading, leftBehind]);
  } catch (thrown) {
    throw ours === undefined ? toError(thrown) : explain(thrown, ours, stop.signal);
  } finally {
    timers.forEach(clearTimeout);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** An unload that was stopped by us failed for our reason; its own AbortError adds the balance. */
function explain(thrown: unknown, ours: Error, stopped: AbortSignal): Error {
  if (thrown === stopped.reason) return ours;
  if (!(thrown instanceof AbortError)) return toError(thrown);
  if (!(ours instanceof TimeoutError)) return thrown;
  const { freedBytes, remainingBytes, remainingTensors } = thrown as Partial<UnloadBalance>;
  if (freedBytes === undefined || remainingBytes === undefined) return ours;
  const balance = { freedBytes, remainingBytes };
  const held = remainingTensors === undefined ? balance : { ...balance, remainingTensors };
  return new TimeoutError(ours.message, { cause: thrown, ...held });
}

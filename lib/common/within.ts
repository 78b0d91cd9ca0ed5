/** A wait with a limit. */

import { toError } from './errors.js';
import { limitTimer } from './limit-timer.js';

/**
 * Answers undefined when `ms` pass, or the signal aborts, first; what it waited for goes on. The timer
 * holds the event loop, which must not end in silence. Whole milliseconds, because Node keeps a list
 * for every length of time: waits side by side share one.
 *
 * @throws (rejects with) what `awaited` rejects with in time
 */
export function within<T>(
  awaited: Promise<T>,
  ms: number,
  signal?: AbortSignal,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    };
    const giveUp = (): void => {
      end();
      resolve(undefined);
    };
    const timer = limitTimer(Math.ceil(ms), giveUp);
    if (signal?.aborted === true) giveUp();
    else signal?.addEventListener('abort', giveUp, { once: true });
    awaited.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(toError(error));
      },
    );
  });
}

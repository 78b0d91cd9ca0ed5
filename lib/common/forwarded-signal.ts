/**
 * A signal of our own that aborts when the user's does: of any number of listeners, where Node warns of
 * a leak from the eleventh on.
 */

import { setMaxListeners } from 'node:events';

export interface ForwardedSignal {
  readonly signal: AbortSignal | undefined;
  /** Leaves the user's signal, which may live longer. */
  end(): void;
}

export function forwardedSignal(signal: AbortSignal | undefined): ForwardedSignal {
  if (signal === undefined || signal.aborted) return { signal, end: () => undefined };
  const own = new AbortController();
  setMaxListeners(0, own.signal);
  const forward = (): void => {
    own.abort(signal.reason);
  };
  signal.addEventListener('abort', forward, { once: true });
  return {
    signal: own.signal,
    end: () => {
      signal.removeEventListener('abort', forward);
    },
  };
}

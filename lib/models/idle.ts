/** Unloads what nobody has used for a while, in a service that goes on running. */

import type { Registered } from './schedule-nodes.js';

/** When it was last used, as a number that grows with every use; undefined where that is not known, or it is in use. */
export function lastUseOf({ unloadable }: Registered): number | undefined {
  try {
    const { leases, lastUse } = unloadable;
    return leases === 0 && typeof lastUse === 'number' ? lastUse : undefined;
  } catch {
    return undefined; // A getter of the user's: it must not hold up the others.
  }
}

/**
 * Looks in the time that is asked for. The end of the last lease is seen one look late, the end of the
 * time another one, and a timer may lag by a third: an eighth of that time in all.
 */
const LOOKS = 24;
const SHORTEST_LOOK_MS = 10;
const LONGEST_LOOK_MS = 60_000;

/**
 * Hands what has been idle for `afterMs` (and up to an eighth longer) to `unload`, once for every time
 * that it becomes idle, until the answered function is called; what is still needed stays until it is
 * not, and goes at the next look then. Leases cost no look at the clock: it looks at them from time to
 * time. Its timer does not keep the process alive.
 */
export function watchIdle(
  afterMs: number,
  entries: () => Iterable<Registered>,
  isNeeded: (entry: Registered) => boolean,
  unload: (entry: Registered) => void,
): () => void {
  const seen = new WeakMap<Registered, { readonly lastUse: number; idleAt: number }>();
  const look = (): void => {
    const now = performance.now();
    for (const entry of [...entries()]) {
      const lastUse = lastUseOf(entry);
      if (lastUse === undefined) continue;
      const before = seen.get(entry);
      if (before?.lastUse !== lastUse) seen.set(entry, { lastUse, idleAt: now });
      else if (now - before.idleAt >= afterMs && !isNeeded(entry)) {
        before.idleAt = Infinity;
        unload(entry);
      }
    }
  };
  look();
  const everyMs = Math.min(Math.max(afterMs / LOOKS, SHORTEST_LOOK_MS), LONGEST_LOOK_MS);
  const timer = setInterval(look, everyMs).unref();
  return () => {
    clearInterval(timer);
  };
}

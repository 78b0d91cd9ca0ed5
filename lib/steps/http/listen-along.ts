/** Listens to events whose mere listener changes what Node does with a connection. */

import type { EventEmitter } from 'node:events';

/**
 * Adds `listener` in front of the others, and only while there are others: with an `upgrade` listener
 * Node no longer answers an upgrade as a request, with a `request` listener an HTTP/2 server wraps
 * every stream. A listener may be called twice for one event where a library (engine.io does) takes
 * the listeners that it finds, and calls them itself.
 */
export function listenAlong(
  emitter: EventEmitter,
  event: string,
  listener: (...args: never[]) => void,
): void {
  const mine = listener as (...args: unknown[]) => void;
  const join = (): void => {
    if (!emitter.listeners(event).includes(mine)) emitter.prependListener(event, mine);
  };
  if (emitter.listenerCount(event) > 0) join();
  emitter.on('newListener', (name, added) => {
    if (name === event && added !== mine) join();
  });
  emitter.on('removeListener', (name, removed) => {
    if (name !== event || removed === mine) return;
    if (emitter.listeners(event).every((one) => one === mine)) emitter.removeListener(event, mine);
  });
}

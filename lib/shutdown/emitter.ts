/** Hands events to listeners. A listener that fails stops neither the others nor the shutdown. */

import { expected } from '../common/expected.js';
import type { EventSource, Listener, ShutdownEvents } from './events.js';
import { toError } from '../common/errors.js';

const NOTHING_PENDING = Promise.resolve();

type Listeners = { [E in keyof ShutdownEvents]: Set<Listener<E>> };

export class Emitter implements EventSource {
  readonly #listeners: Listeners = {
    begin: new Set(),
    step: new Set(),
    progress: new Set(),
    memory: new Set(),
    problem: new Set(),
    forced: new Set(),
    end: new Set(),
  };
  readonly #failed: (event: keyof ShutdownEvents, error: Error) => void;

  /** `failed` hears of every listener that threw or rejected. */
  constructor(failed: (event: keyof ShutdownEvents, error: Error) => void) {
    this.#failed = failed;
  }

  on<E extends keyof ShutdownEvents>(event: E, listener: Listener<E>): void {
    this.#of(event).add(checked(listener));
  }

  off<E extends keyof ShutdownEvents>(event: E, listener: Listener<E>): void {
    this.#of(event).delete(listener);
  }

  /** Calls every listener before it returns. The promise follows what they returned; never rejects. */
  emit<E extends keyof ShutdownEvents>(event: E, payload: ShutdownEvents[E]): Promise<unknown> {
    const pending: Promise<void>[] = [];
    for (const listener of [...this.#of(event)]) {
      try {
        const returned: unknown = listener(payload);
        if (returned !== undefined) pending.push(this.#settled(event, returned));
      } catch (thrown) {
        this.#failed(event, toError(thrown));
      }
    }
    return pending.length === 0 ? NOTHING_PENDING : Promise.all(pending);
  }

  async #settled(event: keyof ShutdownEvents, returned: unknown): Promise<void> {
    try {
      await returned;
    } catch (thrown) {
      this.#failed(event, toError(thrown));
    }
  }

  #of<E extends keyof ShutdownEvents>(event: E): Set<Listener<E>> {
    if (Object.hasOwn(this.#listeners, event)) return this.#listeners[event];
    const names = Object.keys(this.#listeners).join(', ');
    throw new RangeError(expected('the event', `one of ${names}`, event));
  }
}

function checked<E extends keyof ShutdownEvents>(listener: Listener<E>): Listener<E> {
  if (typeof listener === 'function') return listener;
  throw new TypeError(expected('the listener', 'a function', listener));
}

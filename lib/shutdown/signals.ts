/** The signals of the process, and the only file that listens to them. */

import { os } from '../common/builtins.js';
import { expected } from '../common/expected.js';

export interface SignalArrival {
  readonly name: NodeJS.Signals;
  readonly number: number;
}

/** A signal this soon after the first is a duplicate: `node --watch` and terminals send some twice. */
export const DUPLICATE_MS = 500;

/**
 * Those that the system lets nobody catch, and those that a fault raises: the instruction that failed is
 * tried again when the handler returns, before JavaScript has heard of it, and so for ever.
 */
const UNCATCHABLE: readonly string[] = [
  'SIGKILL',
  'SIGSTOP',
  'SIGSEGV',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
];

/** @throws TypeError or RangeError when `names` is not an array of names of signals that can be caught. */
export function checkSignals(names: unknown): readonly SignalArrival[] {
  if (!Array.isArray(names)) {
    throw new TypeError(expected('the `signals` option', 'an array of signal names', names));
  }
  return [...new Set<unknown>(names)].map((name) => {
    const number = signalNumber(name);
    if (number !== undefined) return { name: name as NodeJS.Signals, number };
    const what = 'each name of the `signals` option';
    const message = expected(what, 'a signal that can be caught, as SIGTERM', name);
    throw typeof name === 'string' ? new RangeError(message) : new TypeError(message);
  });
}

function signalNumber(name: unknown): number | undefined {
  if (typeof name !== 'string' || UNCATCHABLE.includes(name)) return undefined;
  const { signals } = os().constants;
  return Object.hasOwn(signals, name) ? signals[name as NodeJS.Signals] : undefined;
}

/** Calls `arrived` for every arrival of one of `signals`. Answers what stops the listening. */
export function listen(
  signals: readonly SignalArrival[],
  arrived: (signal: SignalArrival) => void,
): () => void {
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      arrived(signal);
    };
    process.on(signal.name, listener);
    return { name: signal.name, listener };
  });
  return () => {
    for (const { name, listener } of listeners) process.off(name, listener);
  };
}

/**
 * Tells the first signal, its duplicates, and a second one apart. The window counts from the moment
 * at which JavaScript saw the first: after a blocked event loop it sees the two of a pair together,
 * long after they arrived.
 */
export class SignalGate {
  #firstAt: number | undefined;

  pass(now: number): 'first' | 'duplicate' | 'second' {
    if (this.#firstAt === undefined) {
      this.#firstAt = now;
      return 'first';
    }
    return now - this.#firstAt < DUPLICATE_MS ? 'duplicate' : 'second';
  }
}

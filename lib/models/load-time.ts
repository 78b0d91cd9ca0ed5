/** The time of one load, which counts from its call. */

import { AbortError, TimeoutError } from '../common/errors.js';

/** Object lifetime: that of the load. */
export class LoadTime {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly #endsAt: number;

  /** @param timeoutMs `Infinity` is no limit. */
  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.#endsAt = performance.now() + timeoutMs;
  }

  get leftMs(): number {
    return this.#endsAt - performance.now();
  }

  get isOver(): boolean {
    return this.signal?.aborted === true || this.leftMs <= 0;
  }

  /** The error of a load whose time is over. @param where A clause, as ` before it began`. */
  over(path: string, where: string): Error {
    if (this.signal?.aborted === true) {
      return new AbortError(`Loading ${path} was aborted${where}`, { cause: this.signal.reason });
    }
    return new TimeoutError(
      `Expected loading ${path} to end within ${this.timeoutMs} ms, it did not${where}`,
    );
  }
}

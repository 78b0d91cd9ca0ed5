/** An abort that costs nothing where nobody asks for its signal. */

/**
 * Makes its `AbortController` when the signal is first asked for, and the reason when it is needed: both
 * together cost more than all else of a shutdown step that does nothing.
 */
export class LazyAbort {
  #controller: AbortController | undefined;
  #reason: (() => Error) | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  /** The first one counts. */
  abort(reason: () => Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason());
  }
}

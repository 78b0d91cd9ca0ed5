/** Counts the requests in flight on one server, whatever protocol they came by. */

export class InFlight {
  readonly #changed: () => void;
  #counting = false;
  #open = 0;
  #total = 0;

  /** `changed` is called after each request that has ended. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Requests that are not answered yet. */
  get open(): number {
    return this.#open;
  }

  /** Those that were open when the counting began, and those that came after. */
  get total(): number {
    return this.#total;
  }

  startCounting(): void {
    this.#counting = true;
    this.#total = this.#open;
  }

  began(): void {
    this.#open += 1;
    if (this.#counting) this.#total += 1;
  }

  ended(): void {
    this.#open -= 1;
    this.#changed();
  }
}

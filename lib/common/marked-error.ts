/** What the package's errors have in common: how they are told from others. */

/**
 * `instanceof` goes by a registered symbol on each error, so that it holds between two copies of the
 * package and between the realms of a test runner.
 */
export abstract class MarkedError extends Error {
  /** Of each class its own: named here and not taken from the class, whose name a bundler may change. */
  protected static readonly mark: symbol = Symbol.for('cuda-shutdown.MarkedError');

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && this.mark in value;
  }

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, new.target.mark, { value: true });
  }
}

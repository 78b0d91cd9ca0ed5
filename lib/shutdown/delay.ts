/** The time for which a shutdown that has begun leaves the service at work. Lives as long as it. */

export class Delay {
  readonly #end: () => void;
  readonly ended: Promise<void>;

  constructor(ms: number) {
    let end!: () => void;
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    const timer = setTimeout(end, ms);
    this.#end = () => {
      clearTimeout(timer);
      end();
    };
  }

  /** Ends it before its time; afterwards a no-op. */
  cutShort(): void {
    this.#end();
  }
}

/** The steps that run, as the watchdog would tell them. Lives as long as one shutdown. */

/** Nobody reads more names, and to write all of them again at each beginning would take its square. */
const MOST_NAMES = 50;

export class Pending {
  readonly #names = new Set<string>();
  readonly #tell: (text: string) => void;
  #told = true;

  /** `tell` gets the names whenever they change, and an empty text when no step runs. */
  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  /** Told at once: a step may block JavaScript from its first moment on. */
  began(names: readonly string[]): void {
    if (names.length === 0) return;
    for (const name of names) this.#names.add(name);
    this.#tellNow();
  }

  /** Steps that end together are told once. */
  ended(name: string): void {
    this.#names.delete(name);
    if (!this.#told) return;
    this.#told = false;
    queueMicrotask(() => {
      if (!this.#told) this.#tellNow();
    });
  }

  /** What comes behind the steps tells the watchdog its own name: nothing that is still to be told. */
  over(): void {
    this.#told = true;
  }

  #tellNow(): void {
    this.#told = true;
    this.#tell(listed(this.#names));
  }
}

function listed(names: ReadonlySet<string>): string {
  if (names.size <= MOST_NAMES) return [...names].join(', ');
  const shown: string[] = [];
  for (const name of names) if (shown.push(name) === MOST_NAMES) break;
  return `${shown.join(', ')} and ${names.size - MOST_NAMES} more`;
}

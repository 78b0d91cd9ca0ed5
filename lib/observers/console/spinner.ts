/** A spinner on a terminal: the only file that imports ora. */

import type { Ora } from 'ora';

/** What of `process.stderr` is used. */
export type Terminal = NodeJS.WriteStream;

/** True for a terminal that a spinner can live on: ora loops for ever where there are no columns. */
export function canSpin(terminal: Terminal): boolean {
  return (
    terminal.isTTY && terminal.columns > 0 && process.env.TERM !== 'dumb' && !('CI' in process.env)
  );
}

export class Spinner {
  readonly #terminal: Terminal;
  #loading: Promise<void> | undefined;
  #ora: Ora | undefined;
  #text = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Loads ora (some 90 ms), so that the first step does not wait for it. Never rejects. */
  prepare(): void {
    this.#loading ??= this.#load();
  }

  /** Spins with this text; without any it stops. */
  show(text: string): void {
    this.#text = text;
    if (text === '' || !canSpin(this.#terminal)) this.#stop();
    else if (this.#ora !== undefined) {
      this.#ora.text = text;
      if (!this.#ora.isSpinning) this.#ora.start();
    }
  }

  /** Runs `write` with the spinner out of its way. */
  aside(write: () => void): void {
    this.#stop();
    write();
    this.show(this.#text);
  }

  stop(): void {
    this.show('');
  }

  /** ora's own writes to the terminal also where nothing turns. */
  #stop(): void {
    if (this.#ora?.isSpinning === true) this.#ora.stop();
  }

  async #load(): Promise<void> {
    try {
      const { default: ora } = await import('ora');
      this.#ora = ora({
        stream: this.#terminal,
        isEnabled: true,
        // Both change the terminal in ways that a hard exit would leave behind, and add signal listeners.
        hideCursor: false,
        discardStdin: false,
      });
    } catch {
      return; // The lines are there without it.
    }
    // A terminal that loses its columns while the spinner turns would hang the process.
    this.#terminal.on('resize', () => {
      if (!canSpin(this.#terminal)) this.#stop();
    });
    this.show(this.#text);
  }
}

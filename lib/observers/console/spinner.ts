/** Rows that turn on a terminal: the only file that imports ora. */

import { stripVTControlCharacters } from 'node:util';
import type { Options, Ora } from 'ora';
import { width } from './text.js';

/** What of `process.stderr` is used. */
export type Terminal = NodeJS.WriteStream;

/** True for a terminal that a spinner can live on: ora loops for ever where there are no columns. */
export function canSpin(terminal: Terminal, env: NodeJS.ProcessEnv = process.env): boolean {
  const inCi = !['', '0', 'false'].includes(env.CI ?? '');
  return terminal.isTTY && terminal.columns > 0 && env.TERM !== 'dumb' && !inCi;
}

/** ora's, whose rows, however many, are all ours: it clears them, and what others write stands above. */
const ORA: Options = {
  isEnabled: true,
  color: false,
  spinner: { frames: [''], interval: 80 },
  // Both change the terminal in ways that a hard exit would leave behind, and add signal listeners.
  hideCursor: false,
  discardStdin: false,
};

export class Spinner {
  readonly #terminal: Terminal;
  readonly #draw: () => readonly string[];
  #loading: Promise<void> | undefined;
  #ora: Ora | undefined;
  #wanted = false;
  #rows: readonly string[] = [];

  /** `draw` answers the rows as they are at the moment of its call. It is called for every frame. */
  constructor(terminal: Terminal, draw: () => readonly string[]) {
    this.#terminal = terminal;
    this.#draw = draw;
  }

  /** Loads ora (some 90 ms), so that the first step does not wait for it. Never rejects. */
  prepare(): void {
    this.#loading ??= this.#load();
  }

  /** Turns, while there are rows to draw. */
  start(): void {
    this.#wanted = true;
    if (this.#ora === undefined || this.#ora.isSpinning || !canSpin(this.#terminal)) return;
    if (this.#draw().length > 0) this.#ora.start();
  }

  stop(): void {
    this.#wanted = false;
    this.#hide();
  }

  /** Runs `write` with the rows out of its way. */
  aside(write: () => void): void {
    this.#hide();
    write();
    if (this.#wanted) this.start();
  }

  /** ora writes to the terminal also where nothing turns. */
  #hide(): void {
    if (this.#ora?.isSpinning === true) this.#ora.stop();
  }

  /** Called by ora, in the turn of a timer where nobody would catch what is thrown. */
  #frame(): string {
    try {
      this.#rows = this.#draw();
    } catch {
      // The rows before are better than none.
    }
    return this.#rows.join('\n');
  }

  async #load(): Promise<void> {
    try {
      const { default: ora } = await import('ora');
      const made = ora({ ...ORA, stream: this.#terminal, prefixText: () => this.#frame() });
      // Any text, an empty one too, has a blank in front of it.
      (made as { text: unknown }).text = null;
      this.#ora = made;
    } catch {
      return; // The lines are there without it.
    }
    this.#terminal.on('resize', () => {
      this.#resized();
    });
    if (this.#wanted) this.start();
  }

  /**
   * A terminal that has become narrower has broken the rows into more, and ora would leave those; one
   * that cuts its rows instead, as xterm, loses as many lines above. Without columns ora would loop.
   */
  #resized(): void {
    if (this.#ora?.isSpinning !== true) return;
    const { columns } = this.#terminal;
    if (columns > 0) {
      const now = this.#rows.map((row) =>
        Math.ceil(width(stripVTControlCharacters(row)) / columns),
      );
      const more = now.reduce((sum, rows) => sum + rows, 0) - this.#rows.length;
      this.#hide();
      if (more > 0) this.#terminal.write(`\u001b[${more}A\u001b[J`);
    } else {
      this.#hide();
    }
    if (this.#wanted) this.start();
  }
}

/** A terminal as a person sees it: what is written to it becomes rows of text. */

import { Unicode11Addon } from '@xterm/addon-unicode11';
import xterm from '@xterm/headless';

/** Of the 16, those that the console uses. */
const COLOURS: Readonly<Record<number, string>> = { 1: 'red', 2: 'green', 3: 'yellow', 6: 'cyan' };

export class Screen {
  readonly #terminal: xterm.Terminal;
  /** The last that was set. */
  title = '';

  constructor(columns: number, rows: number) {
    const size = { cols: Math.max(1, columns), rows };
    this.#terminal = new xterm.Terminal({ ...size, scrollback: 1000, allowProposedApi: true });
    this.#terminal.loadAddon(new Unicode11Addon());
    this.#terminal.unicode.activeVersion = '11';
    this.#terminal.onTitleChange((title) => (this.title = title));
  }

  write(text: string): Promise<void> {
    return new Promise((done) => {
      this.#terminal.write(text, done);
    });
  }

  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows);
  }

  /** What has scrolled off as well, without what is empty at the end. */
  text(): string {
    return this.#rows((row) => row.translateToString(true));
  }

  /** The same with `{red:…}` around what is red, and so on. */
  toned(): string {
    return this.#rows(tonedRow);
  }

  #rows(textOf: (row: xterm.IBufferLine) => string): string {
    const { active } = this.#terminal.buffer;
    const rows: string[] = [];
    for (let index = 0; index < active.length; index += 1) {
      const row = active.getLine(index);
      if (row !== undefined) rows.push(textOf(row).trimEnd());
    }
    return `${rows.join('\n').trimEnd()}\n`;
  }
}

function tonedRow(row: xterm.IBufferLine): string {
  let text = '';
  let before = '';
  for (let column = 0; column < row.translateToString(true).length; column += 1) {
    const cell = row.getCell(column);
    if (cell === undefined) break;
    const tone = toneOf(cell);
    if (tone !== before) text += `${before === '' ? '' : '}'}${tone === '' ? '' : `{${tone}:`}`;
    if (cell.getWidth() > 0) text += cell.getChars() || ' ';
    before = tone;
  }
  return before === '' ? text : `${text}}`;
}

function toneOf(cell: xterm.IBufferCell): string {
  if (cell.isFgPalette()) return COLOURS[cell.getFgColor()] ?? `colour ${cell.getFgColor()}`;
  if (cell.isBold() !== 0) return 'bold';
  return cell.isDim() === 0 ? '' : 'dim';
}

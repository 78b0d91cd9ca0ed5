/** What goes to stdout: lines with their symbols, in colour where somebody would see it. */

import { styleText } from 'node:util';
import { type Line, SYMBOLS } from '../observers/console/lines.js';
import { wrap } from '../observers/console/text.js';

const COLOURS = { ok: 'green', bad: 'red', warn: 'yellow' } as const;

/** `FORCE_COLOR` wins over `NO_COLOR`, as in Node itself; without either a terminal decides. */
export function hasColour(stream: NodeJS.WriteStream = process.stdout): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: none = '', TERM } = process.env;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return none === '' && stream.isTTY && TERM !== 'dumb';
}

export function printLines(lines: readonly Line[]): void {
  const { isTTY, columns } = process.stdout;
  const text = lines.map((line) => {
    const shown = isTTY && columns > 20 ? wrap(line.text, columns - 2).join('\n') : line.text;
    return line.mark === 'none' ? `${shown}\n` : `${symbol(line.mark)} ${shown}\n`;
  });
  process.stdout.write(text.join(''));
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function bold(text: string): string {
  return hasColour() ? styleText('bold', text, { validateStream: false }) : text;
}

function symbol(mark: Exclude<Line['mark'], 'none'>): string {
  const plain = SYMBOLS[mark];
  return hasColour() ? styleText(COLOURS[mark], plain, { validateStream: false }) : plain;
}

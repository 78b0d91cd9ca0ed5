/** Lines that fit where they stand: pure. */

import { stripVTControlCharacters } from 'node:util';

/** What steers a terminal, or turns the order of what is behind it round. */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/gu;
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const PLAIN = /^[ -~]*$/u;

/** One line of text out of anyone's: names and messages may hold line breaks and escape sequences. */
export function oneLine(text: string): string {
  if (PLAIN.test(text)) return text;
  return stripVTControlCharacters(text).replaceAll(CONTROLS, ' ').replaceAll(DIRECTIONS, '');
}

/** Cut to `columns` columns, with `…` for what is missing. */
export function truncate(line: string, columns: number): string {
  if (width(line) <= columns) return line;
  return columns < 1 ? '' : `${fitting(line, columns - 1)}…`;
}

/** Cut in the middle: the ends of a path or of a model's name tell it from others. */
export function truncateMiddle(line: string, columns: number): string {
  if (width(line) <= columns) return line;
  const behind = Math.floor((columns - 1) / 2);
  const backwards = fitting(Array.from(line).reverse().join(''), behind);
  return truncate(line, columns - width(backwards)) + Array.from(backwards).reverse().join('');
}

/** Blanks behind it up to `columns` columns. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

/** Broken at blanks into lines of at most `columns` columns, those after the first further in. */
export function wrap(line: string, columns: number): readonly string[] {
  const indent = `${/^ */.exec(line)?.[0] ?? ''}  `;
  return breaks(line, columns, indent.length).map(({ from, to }, index) =>
    index === 0 ? line.slice(from, to) : indent + line.slice(from, to),
  );
}

/** A piece of a text, from its index `from` to before `to`. */
export interface Slice {
  readonly from: number;
  readonly to: number;
}

/**
 * Where `wrap` breaks: rows after the first have `indent` columns less. What is longer than a row stays
 * whole, so that a path that is copied is one; the terminal breaks it.
 */
export function breaks(line: string, columns: number, indent: number): readonly Slice[] {
  const rows: Slice[] = [];
  let from = 0;
  let to = 0;
  let room = columns;
  for (const word of line.split(/(?<=\S)(?= )/u)) {
    const end = to + word.length;
    if (to > from && width(line.slice(from, end)) > room) {
      rows.push({ from, to });
      from = end - word.trimStart().length;
      room = columns - indent;
    }
    to = end;
  }
  rows.push({ from, to });
  return rows;
}

/** In columns of a terminal. */
export function width(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let sum = 0;
  for (const character of text) sum += widthOf(character);
  return sum;
}

function fitting(line: string, columns: number): string {
  let room = columns;
  let kept = '';
  for (const character of line) {
    room -= widthOf(character);
    if (room < 0) break;
    kept += character;
  }
  return kept;
}

const WIDE =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]$/u;
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** East Asian scripts and emoji take two columns, and what joins the character before it none. */
function widthOf(character: string): number {
  if (character < '\u0300') return 1;
  if (WIDE.test(character)) return 2;
  return NO_WIDTH.test(character) ? 0 : 1;
}

/** Lines that fit where they stand: pure. */

import { stripVTControlCharacters } from 'node:util';

/** One line of text out of anyone's: names and messages may hold line breaks and escape sequences. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u001f\u007f-\u009f]+/gu, ' ');
}

/** Cut to `columns` columns, with `…` for what is missing. */
export function truncate(line: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const character of line) {
    width += widthOf(character);
    if (width > columns) return `${cutOne(kept, columns)}…`;
    kept += character;
  }
  return line;
}

/** Broken at blanks into lines of at most `columns` columns, those after the first further in. */
export function wrap(line: string, columns: number): readonly string[] {
  const indent = `${/^ */.exec(line)?.[0] ?? ''}  `;
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/(?<=\S)(?= )/u)) {
    if (current !== '' && widthOfLine(current + word) > columns) {
      lines.push(current);
      current = indent + word.trimStart();
    } else {
      current += word;
    }
  }
  return [...lines, current];
}

function widthOfLine(line: string): number {
  return Array.from(line).reduce((sum, character) => sum + widthOf(character), 0);
}

/** Room for the `…`. */
function cutOne(kept: string, columns: number): string {
  const characters = Array.from(kept);
  let width = widthOfLine(kept);
  while (characters.length > 0 && width >= columns) width -= widthOf(characters.pop() ?? '');
  return characters.join('');
}

/** Scripts of East Asia and emoji take two columns; from U+1100 on everything is taken to be wide. */
function widthOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  const narrow = code < 0x1100 || (code >= 0x2000 && code < 0x2e80);
  return narrow ? 1 : 2;
}

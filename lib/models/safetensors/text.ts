/**
 * What a hostile text must not do to jsonc-parser. It builds each run of blanks, and each string with
 * escapes, a character at a time; every character costs 32 bytes or more until that run or string
 * ends, so that 100 MB of them would cost 3 GB and half a minute.
 */

const LONG_RUN_OF_BLANKS = /(?<![ \t])[ \t]{65536}[ \t]*/g;

/**
 * The same text with line breaks for its long runs of blanks, as the parser does not collect those.
 * Within a string they are an error: one with 65,536 blanks in a row is refused.
 */
export function withoutLongRuns(text: string): string {
  return text.replace(LONG_RUN_OF_BLANKS, (run) => '\n'.repeat(run.length));
}

/** The place of the first backslash beyond `count` of them; -1 where there is none. */
export function backslashBeyond(count: number, text: string): number {
  let at = text.indexOf('\\');
  for (let seen = 0; seen < count && at !== -1; seen += 1) at = text.indexOf('\\', at + 1);
  return at;
}

/** The same string in memory of its own: a piece cut from a text keeps the whole of it alive. */
export function detached(piece: string): string {
  return Buffer.from(piece).toString();
}

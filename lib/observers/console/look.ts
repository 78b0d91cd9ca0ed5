/** How a line looks on a stream of some width, with colours or without: pure but for the environment. */

import { breaks, type Slice } from './text.js';

/** Decides the symbol and its colour. */
export type Mark = 'ok' | 'bad' | 'warn' | 'none';

export type Tone = Exclude<Mark, 'none'> | 'busy' | 'dim' | 'strong';

export interface Line {
  readonly mark: Mark;
  readonly text: string;
  readonly tones?: readonly (Slice & { readonly tone: Tone })[];
  /** How much further in the rows after the first are, where it is broken. Default 2. */
  readonly hang?: number;
}

/** A piece of a line, with its tone. */
export type Span = string | { readonly text: string; readonly tone: Tone };

export interface Look {
  /** 0: no limit. */
  readonly columns: number;
  readonly colour: boolean;
  /** False for a console with few characters, as Linux' own. Default true. */
  readonly unicode?: boolean;
}

export const SYMBOLS: Readonly<Record<Mark, string>> = { ok: '✓', bad: '✗', warn: '!', none: ' ' };

/** A blank at which a line is not broken. */
export const NO_BREAK = '\u00a0';

/** Of the 16 colours only: what they look like is the terminal's choice. */
const CODES: Readonly<Record<Tone, readonly [number, number]>> = {
  ok: [32, 39],
  bad: [31, 39],
  warn: [33, 39],
  busy: [36, 39],
  dim: [2, 22],
  strong: [1, 22],
};

/** What Linux' own console has in place of the others. */
const FEW: Readonly<Record<string, string>> = {
  '✓': '√',
  '✗': '×',
  '━': '█',
  '─': '░',
  '…': '~',
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether to colour what stands on a stream: `FORCE_COLOR` before `NO_COLOR`, as Node does it. */
export function wantsColour(isTTY: boolean, env: Environment): boolean {
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return !['0', 'false'].includes(forced);
  return isTTY && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

export function lookOf(
  { isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number },
  env: Environment,
): Look {
  return {
    columns: isTTY === true ? (columns ?? 0) : 0,
    colour: wantsColour(isTTY === true, env),
    unicode: env.TERM !== 'linux',
  };
}

export function line(mark: Mark, spans: readonly Span[], hang?: number): Line {
  let text = '';
  const tones: (Slice & { tone: Tone })[] = [];
  for (const span of spans) {
    const from = text.length;
    text += typeof span === 'string' ? span : span.text;
    if (typeof span !== 'string') tones.push({ from, to: text.length, tone: span.tone });
  }
  return { mark, text, tones, ...(hang === undefined ? {} : { hang }) };
}

export function toneOf(mark: Mark): Tone {
  return mark === 'none' ? 'dim' : mark;
}

/** The rows of the lines, broken at the width, without line breaks. */
export function render(lines: readonly Line[], look: Look): readonly string[] {
  return lines.flatMap((one) => rowsOf(one, look)).map((row) => spelled(row, look));
}

/** A number stays with its unit. */
const UNITS = /(?<=\d) (?=(?:ms|s|min|B|[KMGT]iB)(?![a-z]))/giu;

function rowsOf(one: Line, look: Look): readonly string[] {
  const { mark, tones = [], hang = 2 } = one;
  const text = look.columns > 0 ? one.text.replaceAll(UNITS, NO_BREAK) : one.text;
  const symbol = mark === 'none' ? '' : `${toned(SYMBOLS[mark], mark, look)} `;
  const room = look.columns - (mark === 'none' ? 0 : 2);
  const inner = text.length - text.trimStart().length + hang;
  // A terminal too narrow for that has none left for the text.
  const indent = Math.min(inner, Math.max(0, Math.floor(room / 3)));
  const slices = look.columns > 0 ? breaks(text, room, indent) : [{ from: 0, to: text.length }];
  return slices.map((slice, index) => {
    const before = index === 0 ? symbol : ' '.repeat(indent + (mark === 'none' ? 0 : 2));
    return before + slicedWith(text, slice, tones, look);
  });
}

function slicedWith(
  text: string,
  { from, to }: Slice,
  tones: NonNullable<Line['tones']>,
  look: Look,
): string {
  if (!look.colour) return text.slice(from, to);
  let at = from;
  let row = '';
  for (const tone of tones) {
    const begin = Math.max(tone.from, at);
    const end = Math.min(tone.to, to);
    if (begin >= end) continue;
    row += text.slice(at, begin) + toned(text.slice(begin, end), tone.tone, look);
    at = end;
  }
  return row + text.slice(at, to);
}

function toned(text: string, tone: Tone, { colour }: Look): string {
  const [begin, end] = CODES[tone];
  return colour ? `\u001b[${begin}m${text}\u001b[${end}m` : text;
}

function spelled(row: string, { unicode = true }: Look): string {
  const blank = row.replaceAll(NO_BREAK, ' ');
  return unicode ? blank : blank.replaceAll(/[✓✗━─…]/gu, (symbol) => FEW[symbol] ?? symbol);
}

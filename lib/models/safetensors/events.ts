/**
 * One JSON text, told to readers value by value; nothing is built of it but what they keep.
 *
 * The grammar is jsonc-parser's, which shows every digit of a number and every key, also the second
 * of two. Beyond it this refuses what the reference implementation's parser (serde_json) refuses: more
 * than 127 levels, lone surrogates, and numbers beyond a double's range.
 */

import { createRequire } from 'node:module';

import {
  ANYTHING,
  type Elements,
  type Literal,
  type Members,
  type ValueReader,
} from './readers.js';
import { quoted, refusal } from './refusal.js';
import { backslashBeyond, withoutLongRuns } from './text.js';

/** Bounds the parser's recursion too. */
const MAX_DEPTH = 127;
/** The reference has no such limit; see text.ts for why this has. */
const MAX_BACKSLASHES = 2 ** 21;
const SHOWN_CHARACTERS = 20;

/** What should have been there, by the parser's name of the error. */
const EXPECTED: Readonly<Record<string, string>> = {
  InvalidSymbol: 'a JSON token',
  PropertyNameExpected: 'a key in double quotes',
  ColonExpected: 'a colon',
  CommaExpected: 'a comma',
  CloseBraceExpected: 'a comma or `}`',
  CloseBracketExpected: 'a comma or `]`',
  EndOfFileExpected: 'nothing more',
  InvalidCommentToken: 'no comment',
  UnexpectedEndOfString: 'a string that is closed on its line',
  UnexpectedEndOfNumber: 'a number that ends with a digit',
  InvalidUnicode: 'a string with valid escapes',
  InvalidEscapeCharacter: 'a string with valid escapes',
  InvalidCharacter: 'a string without control characters',
};

export class JsonEvents {
  readonly #text: string;
  readonly #file: string;
  readonly #open: (Members | Elements)[] = [];
  /** Takes the next value, except in an array. */
  #reader = ANYTHING;
  /** Where in the text the present event is. */
  #at = 0;

  /** `bytes` must be valid UTF-8; `file` names their file in messages. */
  constructor(bytes: Uint8Array, file: string) {
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
    this.#file = file;
  }

  /** @throws SafetensorsError at the first thing that was not expected */
  read(root: ValueReader): void {
    const beyond = backslashBeyond(MAX_BACKSLASHES, this.#text);
    if (beyond !== -1) throw this.unexpected(`at most ${MAX_BACKSLASHES} backslashes`, beyond);
    this.#reader = root;
    // Only here: loading it takes as long as reading a header, and a service may load no model.
    const jsonc = createRequire(import.meta.url)('jsonc-parser') as typeof import('jsonc-parser');
    jsonc.visit(
      withoutLongRuns(this.#text),
      {
        // None of these answers anything: `false` would switch the others off, even `onError`.
        onObjectBegin: (at) => {
          const reader = this.#next(at);
          this.#enter(reader, reader.object?.());
        },
        onArrayBegin: (at) => {
          const reader = this.#next(at);
          this.#enter(reader, reader.array?.());
        },
        onObjectProperty: (key, at) => {
          this.#key(key, at);
        },
        onLiteralValue: (value: Literal, at, length) => {
          this.#literal(value, at, length);
        },
        onObjectEnd: (at) => {
          this.#leave(at);
        },
        onArrayEnd: (at) => {
          this.#leave(at);
        },
        onError: (code, at) => {
          const what = EXPECTED[jsonc.printParseErrorCode(code)] ?? this.#reader.expects;
          throw this.unexpected(what, at);
        },
      },
      { disallowComments: true },
    );
  }

  /** The error for anything else than `what`, in the present event or at another place of the text. */
  unexpected(what: string, at = this.#at): Error {
    const rest = this.#text.slice(at, at + SHOWN_CHARACTERS);
    return refusal(
      'InvalidHeaderDeserialization',
      `Expected the safetensors header of ${this.#file} to hold ${what} at byte ` +
        `${Buffer.byteLength(this.#text.slice(0, at))}, got ` +
        (rest === '' ? 'its end' : quoted(rest)),
    );
  }

  /** The reader of the value that begins at `at`. */
  #next(at: number): ValueReader {
    this.#at = at;
    const container = this.#open.at(-1);
    if (container !== undefined && 'element' in container) return container.element();
    const reader = this.#reader;
    this.#reader = ANYTHING;
    return reader;
  }

  #enter(reader: ValueReader, container: Members | Elements | undefined): void {
    if (container === undefined) throw this.unexpected(reader.expects);
    this.#open.push(container);
    if (this.#open.length > MAX_DEPTH) throw this.unexpected(`at most ${MAX_DEPTH} levels`);
  }

  #key(key: string, at: number): void {
    this.#at = at;
    this.#checkSurrogates(key);
    const container = this.#open.at(-1);
    if (container !== undefined && 'member' in container) this.#reader = container.member(key);
  }

  #literal(value: Literal, at: number, length: number): void {
    const reader = this.#next(at);
    if (typeof value === 'string') this.#checkSurrogates(value);
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw this.unexpected('a number in the range of a double');
    }
    const taken = reader.literal?.(value, this.#text.slice(at, at + length)) ?? false;
    if (!taken) throw this.unexpected(reader.expects);
  }

  #checkSurrogates(string: string): void {
    if (/\p{Surrogate}/u.test(string)) throw this.unexpected('a string without lone surrogates');
  }

  #leave(at: number): void {
    // At the end of the text the parser closes all that is open, before it tells the error.
    if (at === this.#text.length) return;
    this.#at = at;
    this.#open.pop()?.end?.();
  }
}

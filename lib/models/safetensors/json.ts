/**
 * A reader of one JSON text that knows what it expects next.
 *
 * `JSON.parse` rounds 2^53 + 1, makes `4.0` a 4, hides duplicate keys and builds whatever a hostile
 * file asks for. This reader sees each of these, builds nothing but what is asked of it, and is as
 * strict as the reference implementation's parser (serde_json): at most 127 levels, no lone
 * surrogates, no number beyond a double's range.
 */

import { quoted, refusal } from './refusal.js';
import {
  afterInteger,
  afterNumber,
  afterPlainCharacters,
  afterString,
  afterWhiteSpace,
  byteAt,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  NONE,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './tokens.js';
import { type Uint64, uint64OfDigits } from './uint64.js';

const MAX_DEPTH = 127;
const SHOWN_BYTES = 20;
const WORDS = ['true', 'false', 'null'];

/**
 * Reads from where it last ended, or throws a SafetensorsError. Arrays and objects are walked:
 *
 *     for (let more = json.enterArray(); more; more = json.nextElement()) json.skip();
 *     for (let key = json.enterObject(); key !== undefined; key = json.nextKey()) json.skip();
 */
export class JsonReader {
  readonly #bytes: Buffer;
  readonly #file: string;
  #at = 0;
  #depth = 0;

  /** `bytes` must be valid UTF-8; `file` names their file in messages. */
  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
  }

  /** The byte at which the next value begins. */
  get position(): number {
    this.#next();
    return this.#at;
  }

  /** Answers whether there is an element. Each must be read before the next is asked for. */
  enterArray(): boolean {
    this.#open(OPEN_BRACKET, 'an array');
    return !this.#close(CLOSE_BRACKET);
  }

  nextElement(): boolean {
    if (this.#take(COMMA)) return true;
    if (this.#close(CLOSE_BRACKET)) return false;
    throw this.unexpected('a comma or `]`');
  }

  /**
   * Answers the first key, if there is one. Its value must be read before the next is asked for.
   * Keys come in the order and as often as they stand.
   *
   * @param likely see `string()`
   */
  enterObject(likely?: readonly string[]): string | undefined {
    this.#open(OPEN_BRACE, 'an object');
    return this.#close(CLOSE_BRACE) ? undefined : this.#key(likely);
  }

  nextKey(likely?: readonly string[]): string | undefined {
    if (this.#take(COMMA)) return this.#key(likely);
    if (this.#close(CLOSE_BRACE)) return undefined;
    throw this.unexpected('a comma or `}`');
  }

  /** @param likely ASCII strings that are recognised without making one */
  string(likely: readonly string[] = []): string {
    if (this.#next() !== QUOTE) throw this.unexpected('a string');
    const start = this.#at + 1;
    const end = afterPlainCharacters(this.#bytes, start);
    if (byteAt(this.#bytes, end) !== QUOTE) return this.#escapedString();
    this.#at = end + 1;
    for (const word of likely) {
      if (word.length === end - start && this.#stands(word, start)) return word;
    }
    return this.#bytes.toString('utf8', start, end);
  }

  /** An integer from 0 to 2^64 - 1, written without sign, fraction or exponent. */
  unsigned(): Uint64 {
    this.#next();
    const start = this.#at;
    const end = afterInteger(this.#bytes, start);
    if (end === NONE) throw this.unexpected('an unsigned integer');
    this.#at = end;
    const value = uint64OfDigits(this.#bytes, start, end);
    if (value === undefined) throw this.unexpected('an integer below 2^64', start);
    return value;
  }

  /** Reads a `null` if that comes next. */
  takeNull(): boolean {
    this.#next();
    return this.#takeWord('null');
  }

  isArrayNext(): boolean {
    return this.#next() === OPEN_BRACKET;
  }

  isObjectNext(): boolean {
    return this.#next() === OPEN_BRACE;
  }

  /** Any value, checked and forgotten. */
  skip(): void {
    switch (this.#next()) {
      case QUOTE:
        this.string();
        break;
      case OPEN_BRACE:
        for (let key = this.enterObject(); key !== undefined; key = this.nextKey()) this.skip();
        break;
      case OPEN_BRACKET:
        for (let more = this.enterArray(); more; more = this.nextElement()) this.skip();
        break;
      default:
        if (!WORDS.some((word) => this.#takeWord(word))) this.#skipNumber();
    }
  }

  /** Only white space may follow. */
  end(): void {
    this.#next();
    if (this.#at < this.#bytes.length) throw this.unexpected('nothing more');
  }

  /** The error for anything else than `what` at byte `at`. */
  unexpected(what: string, at = this.#at): Error {
    const rest = this.#bytes.toString('utf8', at, at + SHOWN_BYTES);
    return refusal(
      'InvalidHeaderDeserialization',
      `Expected the safetensors header of ${this.#file} to hold ${what} at byte ${at}, got ` +
        (rest === '' ? 'its end' : quoted(rest)),
    );
  }

  /** Passes over white space; answers the byte there. */
  #next(): number {
    this.#at = afterWhiteSpace(this.#bytes, this.#at);
    return byteAt(this.#bytes, this.#at);
  }

  #take(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte && this.#next() !== byte) return false;
    this.#at += 1;
    return true;
  }

  #takeWord(word: string): boolean {
    if (!this.#stands(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #stands(word: string, start: number): boolean {
    for (let i = 0; i < word.length; i += 1) {
      if (byteAt(this.#bytes, start + i) !== word.charCodeAt(i)) return false;
    }
    return true;
  }

  #open(bracket: number, what: string): void {
    if (!this.#take(bracket)) throw this.unexpected(what);
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.unexpected(`at most ${MAX_DEPTH} levels`);
  }

  #close(bracket: number): boolean {
    if (!this.#take(bracket)) return false;
    this.#depth -= 1;
    return true;
  }

  #key(likely?: readonly string[]): string {
    const key = this.string(likely);
    if (!this.#take(COLON)) throw this.unexpected('a colon');
    return key;
  }

  #skipNumber(): void {
    const end = afterNumber(this.#bytes, this.#at);
    if (end === NONE) throw this.unexpected('a value');
    if (!Number.isFinite(Number(this.#text(this.#at, end)))) {
      throw this.unexpected('a number in the range of a double');
    }
    this.#at = end;
  }

  #text(start: number, end: number): string {
    return this.#bytes.toString('latin1', start, end);
  }

  #escapedString(): string {
    const end = afterString(this.#bytes, this.#at + 1);
    if (end === NONE) throw this.unexpected('a string that is closed, without control characters');
    let value: string;
    try {
      value = JSON.parse(this.#bytes.toString('utf8', this.#at, end)) as string;
    } catch {
      throw this.unexpected('a string with valid escapes');
    }
    if (/\p{Surrogate}/u.test(value)) throw this.unexpected('a string without lone surrogates');
    this.#at = end;
    return value;
  }
}

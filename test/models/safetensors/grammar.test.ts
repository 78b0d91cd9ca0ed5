/** The grammar is that of JSON.parse, on texts made by breaking good ones. */

import { describe, expect, it } from '@jest/globals';

import { JsonEvents } from '../../../lib/models/safetensors/events.js';
import { ANYTHING, type ValueReader } from '../../../lib/models/safetensors/readers.js';

const TEXTS = 20_000;
const SEEDS = [
  '{"a":[1,-2.5e+10,0],"b":{"c":null,"d":[true,false]},"":"x"}',
  '[[],{},[{}],"\\u00e9\\n\\\\\\"",0.5,1E3,-0]',
  ' {\n"k" : [ 1 , 2 ] }\t',
  '"\\ud83d\\ude00 \\/ é 日本"',
  '-12.75e-2',
];
const CHARACTERS = '{ } [ ] { } [ ] , : \" \\ 0 1 2 3 . - + e E \n \t \u0001 t f n u é /';
const PIECES = [...CHARACTERS.split(' '), ' ', 'null', 'true', '\\u', '""', '\u00a0'];

function takes(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

function readAs(reader: ValueReader, text: string): void {
  new JsonEvents(Buffer.from(text), '`x`').read(reader);
}

/** Marsaglia's xorshift: an integer from 0 to `below`, the same in every run. */
function pseudoRandom(): (below: number) => number {
  let x = 2463534242;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}

function broken(random: (below: number) => number): string {
  let text = SEEDS[random(SEEDS.length)] ?? '';
  for (let edits = random(4); edits > 0; edits -= 1) {
    const at = random(text.length + 1);
    const piece = random(3) === 0 ? '' : (PIECES[random(PIECES.length)] ?? '');
    text = text.slice(0, at) + piece + text.slice(at + random(3));
  }
  return text;
}

/** What is refused beyond JSON.parse: lone surrogates and numbers that become infinite. */
function isStricter(text: string): boolean {
  const found = { strict: false };
  JSON.parse(text, (key, value: unknown) => {
    const strings = [key, typeof value === 'string' ? value : ''];
    if (strings.some((string) => /\p{Surrogate}/u.test(string))) found.strict = true;
    if (value === Infinity || value === -Infinity) found.strict = true;
    return value;
  });
  // A duplicate key hides its first value from the reviver.
  return found.strict || /\\ud[89a-f]|e\+?\d{3}/i.test(text);
}

describe('JsonEvents', () => {
  it(`agrees with JSON.parse on ${TEXTS} texts`, () => {
    const random = pseudoRandom();
    const disagreed: string[] = [];
    let taken = 0;
    for (let i = 0; i < TEXTS; i += 1) {
      const text = broken(random);
      const isTaken = takes(() => {
        readAs(ANYTHING, text);
      });
      const isJson = takes(() => JSON.parse(text));
      if (isTaken) taken += 1;
      if (isTaken !== isJson && !(isJson && isStricter(text))) disagreed.push(text);
    }
    expect(disagreed).toEqual([]);
    expect(taken).toBeGreaterThan(TEXTS / 5);
    expect(taken).toBeLessThan((TEXTS * 4) / 5);
  });

  it('tells keys, strings and numbers as they stand, however often', () => {
    const told: unknown[] = [];
    const value: ValueReader = {
      expects: 'a value',
      literal: (literal, text) => {
        told.push(literal, text);
        return true;
      },
      array: () => ({ element: () => value, end: () => told.push(']') }),
      object: () => ({
        member: (key) => {
          told.push(key);
          return value;
        },
        end: () => told.push('}'),
      }),
    };
    readAs(value, ' {"a":["\\u00e9\\t",9007199254740993,4.0],"\\u0061":{},"a":null}');
    expect(told).toEqual([
      ...['a', 'é\t', '"\\u00e9\\t"', 9007199254740992, '9007199254740993', 4, '4.0', ']'],
      ...['a', '}', 'a', null, 'null', '}'],
    ]);
  });
});

/** What a valid header may look like, and what is read from it. */

import { describe, expect, it } from '@jest/globals';

import { bitsPerElement, DTYPES } from '../../../lib/models/safetensors/dtype.js';
import { parseHeader } from '../../../lib/models/safetensors/header.js';
import { GOOD, withDtype, withName, withNote } from './hostile/table.js';

const parse = (text: string, dataLength = 2) => parseHeader(Buffer.from(text), dataLength);
const firstOf = (text: string, dataLength = 2) => [...parse(text, dataLength).tensors.values()][0];

describe('a header is taken', () => {
  it('without tensors', () => {
    expect(parse('{}', 0)).toEqual({ tensors: new Map(), metadata: new Map(), dataStart: 10 });
  });

  it('with its tensors by offset, counted from the beginning of the file', () => {
    const text =
      '{"b":{"dtype":"F32","shape":[2,3],"data_offsets":[16,40]},' +
      '"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}}';
    const dataStart = 8 + text.length;
    const { tensors } = parse(text, 40);
    expect([...tensors]).toEqual([
      ['a', { name: 'a', dtype: 'I64', shape: [2], bytes: 16, offset: dataStart }],
      ['b', { name: 'b', dtype: 'F32', shape: [2, 3], bytes: 24, offset: dataStart + 16 }],
    ]);
  });

  it.each([
    ['leading white space', ' \n\r\t{}'],
    ['trailing padding', '{}       \n\r\t'],
    ['megabytes of white space', `${' '.repeat(5e6)}{${'\t '.repeat(5e6)}}${'\n '.repeat(1e6)}`],
    ['white space between tokens', '{ "__metadata__"\n:\t{ "a" : "b" , "c":"d" } }'],
  ])('with %s', (_title, text) => {
    expect(parse(text, 0).tensors.size).toBe(0);
  });

  it('with a scalar', () => {
    expect(firstOf('{"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}')).toMatchObject({
      shape: [],
      bytes: 2,
    });
  });

  it('with tensors of no bytes before, between and after others', () => {
    const info = (start: number, end: number) => ({
      dtype: 'U8',
      shape: [end - start, 1],
      data_offsets: [start, end],
    });
    const text = JSON.stringify({ d: info(2, 2), c: info(1, 2), b: info(0, 1), a: info(0, 0) });
    expect([...parse(text).tensors.keys()]).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each([
    ['""', ''],
    ['"__proto__"', '__proto__'],
    ['"constructor"', 'constructor'],
    ['"dtype"', 'dtype'],
    ['"0"', '0'],
    ['"\\u0000\\n\\"\\\\\\/"', '\0\n"\\/'],
    ['"\\ud83d\\ude00"', '\u{1f600}'],
    ['"\u007f日本\u{1f600}"', '\u007f日本\u{1f600}'],
    ['"\ufeff"', '\ufeff'],
  ])('with the name %s', (literal, name) => {
    const { tensors } = parse(withName(literal));
    expect([...tensors.keys()]).toEqual([name]);
    expect(tensors.get(name)).toMatchObject({ name, bytes: 2 });
  });

  it.each(DTYPES)('with the dtype %s', (dtype) => {
    const bytes = bitsPerElement(dtype);
    const text = `{"a":{"dtype":"${dtype}","shape":[8],"data_offsets":[0,${bytes}]}}`;
    expect(firstOf(text, bytes)).toMatchObject({ dtype, bytes });
  });

  it.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['9007199254740993', 9007199254740993n],
    ['18446744073709551615', 18446744073709551615n],
  ])('with the dimension %s, exactly', (text, dimension) => {
    const header = `{"a":{"dtype":"U8","shape":[${text},0],"data_offsets":[0,0]}}`;
    expect(firstOf(header, 0)?.shape).toEqual([dimension, 0]);
  });

  it('with the data of a petabyte', () => {
    const header = `{"a":{"dtype":"U8","shape":[1125899906842624],"data_offsets":[0,1125899906842624]}}`;
    expect(firstOf(header, 2 ** 50)).toMatchObject({ bytes: 2 ** 50 });
    expect(parseHeader(Buffer.from(header), 2n ** 50n).tensors.size).toBe(1);
  });

  it.each([
    ...[
      'null',
      'true',
      'false',
      '-1.5e-3',
      '-0',
      '1e-999',
      '0e999',
      '"\\ud83d\\ude00"',
      '[]',
      '{}',
    ],
    ...[
      '[1,[2,{"dtype":"X","dtype":"Y"}]]',
      '99999999999999999999999999',
      '1.7976931348623157e308',
    ],
  ])('with an unknown field: %s', (value) => {
    expect(firstOf(withNote(value))).toMatchObject({ bytes: 2 });
  });

  it('with a name of 100,000 characters, and with 127 levels', () => {
    const name = 'x'.repeat(100_000);
    expect(parse(withName(`"${name}"`)).tensors.has(name)).toBe(true);
    expect(firstOf(withNote('['.repeat(125) + ']'.repeat(125)))).toMatchObject({ bytes: 2 });
  });

  it('with as many escapes and blanks in a row as a string may hold', () => {
    expect(firstOf(withNote(`"${'\\n'.repeat(2 ** 21)}"`))).toMatchObject({ bytes: 2 });
    const name = ' '.repeat(65_535);
    expect(parse(withName(`"${name}"`)).tensors.has(name)).toBe(true);
  });

  it('with fields in any order, and with escapes in them', () => {
    const text = '{"a":{"data_offsets":[0,2],"sh\\u0061pe":[2],"dtype":"\\u00558"}}';
    expect(firstOf(text)).toMatchObject({ dtype: 'U8', shape: [2] });
  });

  it("with a tensor's name twice: the later counts", () => {
    const text = `{"a":{"dtype":"I8","shape":[7],"data_offsets":[3,9]},"a":{${GOOD}}}`;
    expect([...parse(text).tensors.values()]).toMatchObject([{ dtype: 'U8', shape: [2] }]);
  });

  it("in serde's other spellings of a struct and of an enum", () => {
    expect(firstOf('{"a":["U8",[2],[0,2]]}')).toMatchObject({ dtype: 'U8', bytes: 2 });
    expect(firstOf(withDtype('{"U8":null}'))).toMatchObject({ dtype: 'U8', bytes: 2 });
  });
});

describe('metadata', () => {
  it.each([
    [
      '{"__metadata__":{"format":"pt","":"\\n"}}',
      [
        ['format', 'pt'],
        ['', '\n'],
      ],
    ],
    ['{"__metadata__":{"__proto__":"x"}}', [['__proto__', 'x']]],
    ['{"__metadata__":{"a":"b","a":"c"}}', [['a', 'c']]],
    ['{"__metadata__":{}}', []],
    ['{"__metadata__":null}', []],
  ])('is read from %s', (text, entries) => {
    expect([...parse(text, 0).metadata]).toEqual(entries);
  });
});

describe('parseHeader', () => {
  it('reads a view into a larger buffer', () => {
    const whole = Buffer.from(`xx${withName('"a"')}yy`);
    const view = new Uint8Array(whole.buffer, whole.byteOffset + 2, whole.length - 4);
    expect(parseHeader(view, 2).tensors.get('a')?.offset).toBe(8 + view.length);
  });

  it.each([-1, 1.5, NaN, Infinity, 2n ** 53n])('throws a RangeError for %s bytes of data', (n) => {
    expect(() => parseHeader(Buffer.from('{}'), n)).toThrow(RangeError);
  });

  it('reads 10,000 tensors', () => {
    const header: Record<string, object> = {};
    for (let i = 0; i < 10_000; i += 1) {
      const start = i * 2 ** 24;
      header[`layers.${i}`] = {
        dtype: 'F32',
        shape: [2048, 2048],
        data_offsets: [start, start + 2 ** 24],
      };
    }
    const { tensors } = parse(JSON.stringify(header), 10_000 * 2 ** 24);
    expect(tensors.size).toBe(10_000);
    expect(tensors.get('layers.9999')?.bytes).toBe(2 ** 24);
  });
});

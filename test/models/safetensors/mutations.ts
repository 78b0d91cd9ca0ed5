/** Valid safetensors files by chance, and what chance may do to their headers. */

import fc from 'fast-check';

import { DTYPES } from '../../../lib/models/safetensors/dtype.js';
import { safetensorsFile, tensorBytes, type TestTensor } from '../../support/safetensors.js';

/** One change of a header, which is given and answered as one character a byte. */
type Mutation = (header: string) => string;

const LENGTH_BYTES = 8;
const STRUCTURE = ['{', '}', '[', ']', '"', ':', ',', '\\', '\\ud800', '\\u0000', ' ', '\n', '\0'];
const NUMBERS = [
  '-1',
  '-0',
  '0',
  '1',
  '00',
  '1.0',
  '1e2',
  '1E400',
  '.5',
  '1.',
  '0x10',
  'NaN',
  'null',
];
const POWERS = [7n, 31n, 32n, 52n, 53n, 60n, 61n, 63n, 64n, 65n, 2000n];
const EDGES = [
  ...NUMBERS,
  ...POWERS.flatMap((power) => [2n ** power - 1n, 2n ** power, 2n ** power + 1n].map(String)),
];

const NUMBER = /(?<=[[,])-?\d+/g;
const OFFSETS = /(?<="data_offsets":)\[[^\]]*\]/g;
const FIELD = /"(?:dtype|shape|data_offsets)":(?:"[^"]*"|\[[^\]]*\])/g;
const TENSOR = /"(?:[^"\\]|\\.)*":\{[^{}]*\}/g;
const VALUE = /"[A-Z]\w*"|\[[^\]]*\]|\d+/g;

const tensor: fc.Arbitrary<TestTensor> = fc
  .record({
    name: fc
      .oneof(
        fc.string({ unit: 'binary', maxLength: 12 }),
        fc.constantFrom('', 'a', '__proto__', 'dtype', 'data_offsets', 'x'.repeat(300)),
      )
      .filter((name) => name !== '__metadata__'),
    dtype: fc.constantFrom(...DTYPES),
    shape: fc.array(fc.nat(6), { maxLength: 4 }),
  })
  .filter((each) => Number.isInteger(tensorBytes(each)));

/** A whole file that must be taken. */
export const validFile: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6, size: 'max' }),
    fc.option(fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }), { nil: undefined }),
  )
  .map(([tensors, metadata]) => safetensorsFile(tensors, metadata));

const position = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

function at(header: string, share: number): number {
  return Math.floor(share * (header.length + 1));
}

/** Changes one of the places that match, by chance; nothing where none does. */
function oneOf(pattern: RegExp, share: number, change: (match: string) => string): Mutation {
  return (header) => {
    const matches = [...header.matchAll(pattern)];
    const match = matches[Math.floor(share * matches.length)];
    if (match === undefined) return header;
    const [text] = match;
    return header.slice(0, match.index) + change(text) + header.slice(match.index + text.length);
  };
}

/** What the parser sees first: bytes that are others, fewer or more. */
const ofBytes: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(position, fc.integer({ min: 1, max: 255 })).map(([share, bits]) => (header: string) => {
    const index = Math.min(at(header, share), header.length - 1);
    const flipped = String.fromCharCode((header.charCodeAt(index) || 0) ^ bits);
    return header.slice(0, index) + flipped + header.slice(index + 1);
  }),
  fc
    .tuple(position, fc.oneof(fc.integer({ min: 1, max: 64 }), fc.constant(Infinity)))
    .map(([share, length]) => (header: string) => {
      return header.slice(0, at(header, share)) + header.slice(at(header, share) + length);
    }),
  fc
    .tuple(
      position,
      fc.oneof(
        fc.constantFrom(...STRUCTURE),
        fc.uint8Array({ minLength: 1, maxLength: 8 }).map((bytes) => latin1(bytes)),
        fc
          .tuple(fc.constantFrom(...STRUCTURE), fc.integer({ min: 2, max: 3000 }))
          .map(([text, times]) => text.repeat(times)),
      ),
    )
    .map(([share, text]) => (header: string) => {
      return header.slice(0, at(header, share)) + text + header.slice(at(header, share));
    }),
);

/** What may still be JSON, and contradict itself: values replaced, told twice, left out, nested. */
const ofValues: fc.Arbitrary<Mutation> = fc.oneof(
  fc
    .tuple(position, fc.oneof(fc.constantFrom(...EDGES), fc.nat(600).map(String)))
    .map(([share, edge]) => oneOf(NUMBER, share, () => edge)),
  fc
    .tuple(fc.constantFrom(FIELD, TENSOR), position, fc.constantFrom(2, 3))
    .map(([pattern, share, times]) =>
      oneOf(pattern, share, (match) => new Array<string>(times).fill(match).join(',')),
    ),
  fc
    .tuple(
      fc.constantFrom(/"shape":\[[^\]]*\],/g, /"dtype":"\w*",/g, /"a":\{[^{}]*\},?/g),
      position,
    )
    .map(([pattern, share]) => oneOf(pattern, share, () => '')),
  fc
    .tuple(position, fc.integer({ min: 1, max: 200 }), fc.constantFrom(['[', ']'], ['{"a":', '}']))
    .map(([share, depth, [open = '', close = '']]) =>
      oneOf(VALUE, share, (match) => open.repeat(depth) + match + close.repeat(depth)),
    ),
  fc
    .tuple(fc.constantFrom(VALUE, OFFSETS, FIELD), position, position)
    .map(([pattern, from, to]) => (header: string) => {
      const values = header.match(pattern) ?? [];
      const value = values[Math.floor(from * values.length)] ?? '';
      return oneOf(pattern, to, () => value)(header);
    }),
);

const mutation = fc.oneof({ arbitrary: ofBytes, weight: 1 }, { arbitrary: ofValues, weight: 2 });

/** The length before the header, where it is not the header's. */
const wrongLength: fc.Arbitrary<(length: number, size: number) => bigint> = fc.oneof(
  fc
    .constantFrom(0n, 1n, 100_000_000n, 100_000_001n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n)
    .map((length) => () => length),
  fc
    .integer({ min: -16, max: 16 })
    .map((by) => (length: number) => BigInt(Math.max(0, length + by))),
  fc.integer({ min: -1, max: 1 }).map((by) => (_: number, size: number) => BigInt(size + by)),
);

/** A valid file after up to four changes of its header, and at times of the length before it. */
export const mutatedFile: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    validFile,
    fc.array(mutation, { minLength: 1, maxLength: 4, size: '-1' }),
    seldom(wrongLength),
    seldom(fc.nat(40)),
  )
  .map(([file, mutations, length, cut]) => {
    const valid = Buffer.from(file);
    const dataStart = LENGTH_BYTES + Number(valid.readBigUInt64LE());
    const header = mutations.reduce(
      (text, mutate) => mutate(text),
      valid.toString('latin1', LENGTH_BYTES, dataStart),
    );
    const mutated = Buffer.concat([
      valid.subarray(0, LENGTH_BYTES),
      Buffer.from(header, 'latin1'),
      valid.subarray(dataStart),
    ]);
    const said = length?.(header.length, mutated.length) ?? BigInt(header.length);
    mutated.writeBigUInt64LE(BigInt.asUintN(64, said));
    return cut === undefined ? mutated : mutated.subarray(0, Math.max(0, mutated.length - cut));
  });

/** One time in ten. */
function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: 9 }, { arbitrary, weight: 1 });
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

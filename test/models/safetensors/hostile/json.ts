/** Headers that are not UTF-8, not JSON, or JSON of the wrong kind. */

import {
  GOOD,
  table,
  withDtype,
  withName,
  withNote,
  withOffsets,
  withShape,
  words,
} from './table.js';

const notJson = [
  ...words('{ } [ {] {"a {"a" {"a": {"a":} {"a":{ x {}x {}{} {{}} {,} {"a"::{}} {a:1} /**/{} {}//'),
  ...words("{'a':1} \0{} {}\0 \v{} \f{} \ufeff{}"),
  ...['', ' ', '\n', '{} ,', '//\n{}', '{"a" {}}', '\u00a0{}', '{}\u00a0'],
];

const notTheObject = words(
  'null true 0 "{}" [] [{}] {"a":null} {"a":1} {"a":"b"} {"a":true} {"a":{}} {"a":[]} {"a":[[]]}',
);

const commas = [
  ...[`{"a":{${GOOD},}}`, `{"a":{${GOOD}},}`, `{"a":{,${GOOD}}}`, `{,"a":{${GOOD}}}`],
  ...[`{"a":{${GOOD}}"b":{}}`, `{"a":{${GOOD}};}`],
  ...['[2,]', '[,2]', '[2 2]', '[2,,2]', '[2;2]'].map(withShape),
  ...['[0,2,]', '[0 2]', '[,0,2]'].map(withOffsets),
];

/** Not integers from 0 to 2^64 - 1; each is tried as a dimension, a start and an end. */
const notUnsigned = [
  ...words('-1 -0 2.0 4.0 2. .2 2e0 2E0 2e 02 00 +2 0x2 2_0 2n - -- --2 2- 1e400'),
  ...words('true false null "2" [2] {} NaN Infinity -Infinity'),
  ...words('18446744073709551616 99999999999999999999 -9223372036854775808'),
  '9'.repeat(400),
];

const missingFields = [
  ...['', '"dtype":"U8"', '"shape":[2]', '"data_offsets":[0,2]', '"dtype":"U8","shape":[2]'],
  ...['"dtype":"U8","data_offsets":[0,2]', '"shape":[2],"data_offsets":[0,2]'],
  '"Dtype":"U8","shape":[2],"data_offsets":[0,2]',
].map((fields) => `{"a":{${fields}}}`);

const duplicateFields = words(
  '"dtype":"U8" "dtype":"I8" "shape":[2] "shape":[] "data_offsets":[0,2] "d\\u0074ype":"U8"',
).map((field) => `{"a":{${GOOD},${field}}}`);

const dtypes = words(
  '"u8" "" "F128" "F8" "F6" "FLOAT" "__proto__" "constructor" "toString" 8 null true ["U8"] {} ' +
    '{"U8":1} {"U8":{}} {"X":null} {"U8":null,"I8":null}',
);

const metadata = words(
  '1 "a" [] true {"a":1} {"a":null} {"a":true} {"a":[]} {"a":{}} {"a":1.5} {"a"} {1:"a"} ' +
    `{"a":"b",} {${GOOD}} {"\\ud800":"a"} {"a":"\\udc00"} ` +
    '{},"__metadata__":{} null,"__metadata__":null null,"__metadata__":{} {},"\\u005f_metadata__":{}',
).map((value) => `{"__metadata__":${value}}`);

const asArrays = words(
  '["U8",[2]] ["U8",[2],[0,2],1] ["U8",[0,2],[2],[]] [[2],"U8",[0,2]] ["U8"]',
).map((info) => `{"a":${info}}`);

const names = [
  ...words('"\\x" "\\u12" "\\u12G4" "\\U0041" "\\" "\\\'" "\\ud800" "\\udc00" "\\ud800x"'),
  ...words('"\\ud800\\u0041" "\\udc00\\ud800" "\\uD83D\\uD83D" \'a\' "a'),
  ...['"a\nb"', '"a\tb"', '"\0"', '"\u001f"', '"\\\n"'],
];

/** The tensor's own two levels make 128 of 126, one more than the reference goes into. */
const tooDeep = [126, 127, 10_000, 200_000]
  .flatMap((levels) => [
    withNote('['.repeat(levels) + ']'.repeat(levels)),
    withNote('{"a":'.repeat(levels) + '1' + '}'.repeat(levels)),
  ])
  .concat('['.repeat(200_000), '{"a":'.repeat(200_000), '{"a":[0,'.repeat(1000));

const notes = [
  ...words('nul nulll TRUE undefined NaN 1e400 -1e400 01 - 1. .1 1e 1e+ "\\ud800" {"a"} {"a":}'),
  ...words('{"a":1,} [1,] [,] \'a\' /**/1'),
  '9'.repeat(400),
];

const notUtf8 = [
  ...[[0xff], [0x80], [0xc3], [0xfe], [0xc0, 0x80], [0xe2, 0x82], [0xed, 0xa0, 0x80]],
  ...[
    [0xf5, 0x80, 0x80],
    [0xf0, 0x80, 0x80, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
  ],
].flatMap((bytes) => [
  Uint8Array.from([...Buffer.from('{"'), ...bytes, ...Buffer.from('":1}')]),
  Uint8Array.from([...Buffer.from('{}'), ...bytes]),
]);

const KIND = 'InvalidHeaderDeserialization';

export const HOSTILE_JSON = [
  ...table('InvalidHeader', 0, 'UTF-8', notUtf8),
  ...table(KIND, 0, 'no JSON', notJson),
  ...table(KIND, 0, 'not the object', notTheObject),
  ...table(KIND, 2, 'commas', commas),
  ...table(
    KIND,
    2,
    'dimension',
    notUnsigned.map((number) => withShape(`[${number}]`)),
  ),
  ...table(
    KIND,
    2,
    'offset',
    notUnsigned.flatMap((number) => [`[${number},2]`, `[0,${number}]`].map(withOffsets)),
  ),
  ...table(KIND, 2, 'missing field', missingFields),
  ...table(KIND, 2, 'duplicate field', duplicateFields),
  ...table(KIND, 2, 'dtype', [...dtypes, '"U8 "'].map(withDtype)),
  ...table(KIND, 0, 'metadata', metadata),
  ...table(KIND, 2, 'info as an array', asArrays),
  ...table(KIND, 2, 'shape', words('2 "2" null {} {"0":2} true [[2]] [2').map(withShape)),
  ...table(
    KIND,
    2,
    'data_offsets',
    words('[] [0] [0,2,2] 2 null {} {"0":0,"1":2} "0,2" [[0,2]]').map(withOffsets),
  ),
  ...table(KIND, 2, 'name', names.map(withName)),
  ...table(KIND, 2, 'too deep', tooDeep),
  ...table(KIND, 2, 'ignored value', notes.map(withNote)),
];

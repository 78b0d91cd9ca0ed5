/** Headers that are good JSON and contradict themselves or the length of the data. */

import { bitsPerElement, DTYPES } from '../../../../lib/models/safetensors/dtype.js';
import { table, withDtype, withOffsets, withShape, words } from './table.js';

const MAX = '18446744073709551615';
const BEYOND_SAFE = '9007199254740993';

const tensor = (
  name: string,
  start: number | string,
  end: number | string,
  size: number | string,
): string => `"${name}":{"dtype":"U8","shape":[${size}],"data_offsets":[${start},${end}]}`;

const FIRST = tensor('a', 0, 2, 2);

const offsets = [
  [tensor('a', 1, 3, 2)],
  [tensor('a', 1, 1, 0)],
  [tensor('a', 2, 0, 2)],
  [tensor('a', MAX, MAX, 0)],
  [tensor('a', MAX, 0, 0)],
  [FIRST, tensor('b', 3, 5, 2)],
  [FIRST, tensor('b', 1, 3, 2)],
  [FIRST, tensor('b', 0, 2, 2)],
  [FIRST, tensor('b', 0, 3, 3)],
  [FIRST, tensor('b', 2, 1, 0)],
  [FIRST, tensor('b', 1, 1, 0)],
  [FIRST, tensor('b', BEYOND_SAFE, '9007199254740995', 2)],
  [FIRST, tensor('a', 3, 5, 2)],
  [tensor('b', 3, 5, 2), FIRST],
].map((tensors) => `{${tensors.join(',')}}`);

const sizes = [
  ...words(`[] [0] [1] [3] [1,1] [2,2] [2,0] [16] [${BEYOND_SAFE}]`).map(withShape),
  ...words('[2305843009213693951] [4294967295,4294967]').map(withShape),
  ...words(`[0,${MAX}] [0,9007199254740994]`).map(withOffsets),
  // Two elements in two bytes are right for 8 bits only; of 6 bits they are no whole bytes.
  ...DTYPES.filter((dtype) => ![6, 8].includes(bitsPerElement(dtype))).map((dtype) =>
    withDtype(`"${dtype}"`),
  ),
];

const ofDtype = (dtype: string, shape: string): string =>
  `{"a":{"dtype":"${dtype}","shape":${shape},"data_offsets":[0,2]}}`;

const misaligned = [
  ...words('[] [1] [3,5] [4503599627370497]').map((shape) => ofDtype('F4', shape)),
  ...words('[] [2] [3,3]').flatMap((shape) => [
    ofDtype('F6_E2M3', shape),
    ofDtype('F6_E3M2', shape),
  ]),
];

const overflows = [
  ...words(`[${MAX}] [${MAX},2] [${MAX},2,0] [4294967296,4294967296] [4294967296,4294967296,0]`),
  ...words(`[2305843009213693952] [${BEYOND_SAFE},2048]`),
  ...[61, 64].map((length) => `[${new Array<number>(length).fill(2).join()}]`),
]
  .map(withShape)
  .concat(ofDtype('F4', '[4611686018427387904]'), ofDtype('U64', '[288230376151711744]'));

export const HOSTILE_LAYOUTS = [
  ...table('InvalidOffset', 5, 'offsets', offsets),
  ...table('TensorInvalidInfo', 2, 'size', sizes),
  ...table('MisalignedSlice', 2, 'bits', misaligned),
  ...table('ValidationOverflow', 2, 'overflow', overflows),
  ...table('MetadataIncompleteBuffer', 0, 'too little data', [
    `{${FIRST}}`,
    `{${tensor('a', 0, BEYOND_SAFE, BEYOND_SAFE)}}`,
    `{${tensor('a', 0, '2305843009213693951', '2305843009213693951')}}`,
  ]),
  ...table('MetadataIncompleteBuffer', 1, 'too little data', [`{${FIRST}}`]),
  ...table('MetadataIncompleteBuffer', 3, 'too much data', [
    ...words('{} {"__metadata__":{"a":"b"}} {"__metadata__":null}'),
    `{${FIRST}}`,
    '{} ',
  ]),
];

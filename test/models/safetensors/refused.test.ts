/** Every hostile header is refused, for the reference implementation's reason. */

import { describe, expect, it } from '@jest/globals';

import { SafetensorsError } from '../../../lib/common/errors.js';
import { parseHeader } from '../../../lib/models/safetensors/header.js';
import { HOSTILE_JSON } from './hostile/json.js';
import { HOSTILE_LAYOUTS } from './hostile/layout.js';

const MESSAGE = /^Expected [^\n]{10,500}, got [^\n]+$/;

function refused(header: string | Uint8Array, dataLength: number): SafetensorsError {
  try {
    parseHeader(Buffer.from(header), dataLength, '`x`');
  } catch (error) {
    if (error instanceof SafetensorsError) return error;
    throw error;
  }
  throw new Error('The header was taken');
}

describe.each([
  ['what is no such JSON', HOSTILE_JSON],
  ['what contradicts itself or the data', HOSTILE_LAYOUTS],
])('a header is refused: %s', (_group, headers) => {
  it.each(headers)('$reason, $title', ({ reason, header, dataLength }) => {
    const error = refused(header, dataLength);
    expect(error).toMatchObject({ reason, code: 'ERR_SAFETENSORS' });
    expect(error.message).toMatch(MESSAGE);
    expect(error.message).toContain('`x`');
  });
});

/** What the reference implementation would take, at 32 bytes of memory and more for each byte. */
describe('a header is refused for its cost to the parser', () => {
  it.each([
    [
      'more than 2,097,152 backslashes',
      `{"__metadata__":{"a":"${'\\n'.repeat(2 ** 21 + 1)}"}}`,
      'at most 2097152 backslashes at byte 4194326, got ',
    ],
    [
      'a string with 65,536 blanks in a row',
      `{"__metadata__":{"a":"${' '.repeat(65_536)}"}}`,
      'a string that is closed on its line at byte 21, got ',
    ],
  ])('%s', (_title, header, message) => {
    expect(refused(header, 0)).toMatchObject({ reason: 'InvalidHeaderDeserialization' });
    expect(refused(header, 0).message).toContain(`to hold ${message}`);
  });
});

describe('the message', () => {
  it.each([
    [
      '{"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}',
      'Expected the safetensors header of `x` to hold an unsigned integer at byte 28, got `4.0],"data_offsets":`',
    ],
    ['{"a":', 'Expected the safetensors header of `x` to hold an object at byte 5, got its end'],
    [
      '{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,4]}}',
      'Expected the data of tensor `a` (U8 [3]) in `x` to be 3 bytes, got 4',
    ],
    [
      '{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}',
      'Expected the data of tensor `a` in `x` to begin at byte 0, got [4, 8]',
    ],
    [
      '{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}',
      'Expected `x` to hold the 3 bytes of data that its safetensors header declares, got 4',
    ],
  ])('names what was expected and what came: %s', (header, message) => {
    expect(refused(header, 4).message).toBe(message);
  });

  it.each([
    ['{"日本" 1}', 'a colon at byte 10, got `1}`'],
    ['{"a":{"dtype":"U8"', 'a comma or `}` at byte 18, got its end'],
    ['{"a":{"dtype":}', 'the name of a dtype at byte 14, got `}`'],
    ['{"__metadata__":{"a":"b",}}', 'a key in double quotes at byte 25, got `}}`'],
    ['{"a":{"shape":[1 2]}}', 'a comma at byte 17, got `2]}}`'],
    ['{"a":{"shape":[,2]}}', 'a value at byte 15, got `,2]}}`'],
    ['{"a":nul}', 'a JSON token at byte 5, got `nul}`'],
    ['{}{}', 'nothing more at byte 2, got `{}`'],
    ['{"a":{"data_offsets":[0]}}', '2 integers at byte 23, got `]}}`'],
  ])('says in %s where what is missing', (header, message) => {
    expect(refused(header, 0).message).toBe(
      `Expected the safetensors header of \`x\` to hold ${message}`,
    );
  });

  it('shows a hostile name without its control characters, and cut', () => {
    const name = `\u001b[2J\n\u009b${'x'.repeat(1000)}`;
    const header = JSON.stringify({ [name]: { dtype: 'U8', shape: [1], data_offsets: [1, 2] } });
    const { message } = refused(header, 2);
    expect(message).toContain(String.raw`tensor ` + '`' + String.raw`\u001b[2J\n\u009bxxx`);
    expect(message).toHaveLength(message.replace(/[\p{Cc}]/gu, '').length);
    expect(message.length).toBeLessThan(250);
  });

  it('cuts a shape of a million dimensions', () => {
    const shape = new Array<number>(1_000_000).fill(1);
    const header = JSON.stringify({ a: { dtype: 'U8', shape, data_offsets: [0, 2] } });
    expect(refused(header, 2).message).toContain('(U8 [1, 1, 1, 1, 1, 1, 1, 1, …])');
  });
});

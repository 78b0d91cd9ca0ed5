import { describe, expect, test } from '@jest/globals';
import {
  oneLine,
  pad,
  truncate,
  truncateMiddle,
  width,
  wrap,
} from '../../../lib/observers/console/text.js';

test('line breaks and escape sequences do not leave their line', () => {
  expect(oneLine('a\r\nb\u001b[31mc\u001b[2J\u0000d')).toBe('a bc d');
});

test('marks of direction do not turn a line round', () => {
  expect(oneLine('model\u202egnp.\u2066exe')).toBe('modelgnp.exe');
});

test.each([
  ['abc', 3],
  ['日本語', 6],
  ['한국어', 6],
  ['e\u0301', 1],
  ['🚀', 2],
  ['ქართული', 7],
  ['✓ → …', 5],
  ['', 0],
])('%p is %d columns wide', (text, columns) => {
  expect(width(text)).toBe(columns);
  expect(width(pad(text, 10))).toBe(10);
});

test.each([
  ['short', 10, 'short'],
  ['meta/llama-3-70b', 10, 'meta/…-70b'],
  ['日本語のログです', 9, '日本…です'],
  ['abc', 1, '…'],
])('%p cut in the middle to %d columns is %p', (line, columns, cut) => {
  expect(truncateMiddle(line, columns)).toBe(cut);
});

describe('a long line', () => {
  test.each([
    ['short', 10, 'short'],
    ['exactly 10', 10, 'exactly 10'],
    ['more than 10', 10, 'more than…'],
    ['日本語のログ', 12, '日本語のログ'],
    ['日本語のログ', 7, '日本語…'],
    ['日本語のログ', 6, '日本…'],
    ['abc', 1, '…'],
  ])('%p in %d columns is %p', (line, columns, cut) => {
    expect(truncate(line, columns)).toBe(cut);
  });
});

describe('a line that is broken', () => {
  test.each([
    ['short', 10, ['short']],
    ['one two three', 7, ['one two', '  three']],
    ['  one two three', 9, ['  one two', '    three']],
    ['averylongword and more', 5, ['averylongword', '  and', '  more']],
    ['', 5, ['']],
  ])('%p in %d columns is %j', (line, columns, lines) => {
    expect(wrap(line, columns)).toEqual(lines);
  });
});

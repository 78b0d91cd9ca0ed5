import { describe, expect, test } from '@jest/globals';
import { oneLine, truncate, wrap } from '../../lib/observers/console/text.js';

test('line breaks and escape sequences do not leave their line', () => {
  expect(oneLine('a\r\nb\u001b[31mc\u001b[2J\u0000d')).toBe('a bc d');
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

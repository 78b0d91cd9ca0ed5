/** What the watchdog would tell of the steps that run. */

import { expect, test } from '@jest/globals';

import { Pending } from '../../lib/shutdown/pending.js';

function pending(): { readonly told: string[]; readonly names: Pending } {
  const told: string[] = [];
  return { told, names: new Pending((text) => told.push(text)) };
}

test('steps that begin are told at once, those that end together once', async () => {
  const { told, names } = pending();
  names.began(['a', 'b', 'c']);
  names.ended('a');
  names.ended('b');
  expect(told).toEqual(['a, b, c']);
  await Promise.resolve();
  expect(told).toEqual(['a, b, c', 'c']);
});

test('a beginning tells the ends before it as well', async () => {
  const { told, names } = pending();
  names.began(['a']);
  names.ended('a');
  names.began(['b']);
  await Promise.resolve();
  expect(told).toEqual(['a', 'b']);
});

test('nothing is told when nothing began, and nothing when it is over', async () => {
  const { told, names } = pending();
  names.began([]);
  names.began(['a']);
  names.ended('a');
  names.over();
  await Promise.resolve();
  expect(told).toEqual(['a']);
});

test('of many, fifty are named and the others counted', () => {
  const { told, names } = pending();
  const all = Array.from({ length: 10_000 }, (_, index) => `step-${index}`);
  names.began(all);
  expect(told).toEqual([`${all.slice(0, 50).join(', ')} and 9950 more`]);
  names.began(['last']);
  expect(told[1]).toMatch(/ and 9951 more$/);
});

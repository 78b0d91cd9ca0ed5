/** Two signals 1 ms apart, as `node --watch` and terminals send them, 200 times. */

import { expect, test } from '@jest/globals';
import { Child, type ChildEnd } from '../support/child.js';

const TIMES = 200;
const AT_ONCE = 4;

async function pair(): Promise<ChildEnd> {
  const child = new Child('pair.mjs');
  await child.saw('ready');
  child.signal('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 1));
  child.signal('SIGTERM');
  return child.end;
}

test('all run the sequence to its end', async () => {
  const ends: ChildEnd[] = [];
  const worker = async (): Promise<void> => {
    while (ends.length < TIMES) ends.push(await pair());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const wrong = ends.filter(
    ({ code, signal, stdout, stderr }) =>
      code !== 0 || signal !== null || stdout !== 'ready\nclean\n' || stderr !== '',
  );
  expect(wrong).toEqual([]);
}, 240_000);

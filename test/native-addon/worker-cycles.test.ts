/** Worker threads that are terminated at random moments, with the addon in use, leave nothing behind. */

import { expect, test } from '@jest/globals';

import { runChild } from '../support/child.js';

test('forty workers leave no memory, no thread and no descriptor', async () => {
  // The bound is for the short run, in which every arena of the allocator is new; the long one asks
  // for its own: test/load/worker-cycles.mjs.
  const args = ['--workers', '40', '--rss', '1'];
  const end = await runChild('../load/worker-cycles.mjs', { args });
  console.log(end.stdout, end.stderr);
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.stdout).toMatch(/^40 workers; .* nothing left on the devices$/m);
});

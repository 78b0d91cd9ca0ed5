/** Models that come and go, with aborts and faults by chance, leave nothing behind. */

import { expect, test } from '@jest/globals';

import { runChild } from '../support/child.js';

test('a hundred cycles leave no memory, no thread and no growth', async () => {
  // The bound is for the short run on a busy machine; test/load/model-cycles.mjs itself asks for 5 %.
  const args = ['--cycles', '100', '--rss', '0.5'];
  const end = await runChild('../load/model-cycles.mjs', { args });
  console.log(end.stdout, end.stderr);
  expect(end).toMatchObject({ code: 0, signal: null });
  expect(end.stdout).toMatch(/^100 cycles, .* nothing left on the devices$/m);
});

/** The test of a service that is shown to users, run as they would. */

import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { root } from '../support/package-copy.js';

test('the example passes', async () => {
  const args = ['--test', '--test-reporter=tap', join(root, 'examples/testing/service.test.mjs')];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout).toMatch(/^# pass 2$/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});

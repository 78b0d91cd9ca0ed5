import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../../load/http-shutdowns.mjs', import.meta.url));

test('a service under load loses no request that it has accepted', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, '6']);
  expect(JSON.parse(stdout)).toMatchObject({ shutdowns: 6, lost: 0, cut: 0, unclean: [] });
});

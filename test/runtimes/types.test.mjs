// The runtimes' own types fit the adapters: see types.ts.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

test('the types of the runtimes fit', () => {
  const compiler = path.join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
  const project = path.join(import.meta.dirname, 'tsconfig.json');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
});

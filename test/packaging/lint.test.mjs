// publint and "are the types wrong" of the tarball, and that it holds nothing but what is used.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder, pack, packages } from './support.mjs';

const tarball = pack(makeFolder());

function run(command, ...args) {
  const bin = path.join(packages, '.bin', command);
  const { status, stdout, stderr } = spawnSync(bin, args, { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

test('publint finds nothing', () => {
  const { status, said } = run('publint', '--strict', tarball);
  assert.equal(status, 0, said);
  assert.match(said, /All good!/u);
});

test('the types are right, for both entry points', () => {
  const { status, said } = run('attw', '--profile', 'esm-only', '--format', 'json', tarball);
  assert.equal(status, 0, said);
  const { analysis } = JSON.parse(said);
  assert.deepEqual(Object.keys(analysis.entrypoints), ['.', './testing', './package.json']);
  for (const entry of ['.', './testing']) {
    const { resolutions } = analysis.entrypoints[entry];
    for (const mode of ['node16-esm', 'bundler']) {
      assert.match(resolutions[mode].resolution.fileName, /\.d\.ts$/u);
    }
  }
});

test('nothing is in it but what is loaded, compiled or read', () => {
  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
  const known =
    /^package\/(package\.json|README\.md|LICENSE|CMakeLists\.txt|binding\.gyp|install\/(install|prebuilt)\.mjs|dist\/(index|shared|testing\/index)\.js|dist\/cli\/[\w-]+\.js|dist\/demo\/(demo|service)\.mjs|dist\/.*\.d\.ts|native\/.*\.(cc|h|cmake|inc|map))$/u;
  assert.deepEqual(
    files.filter((file) => !known.test(file)),
    [],
  );
});

// What is published: only it names the prebuilt packages, and only when all is ready.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder, manifest, pack, root } from './support.mjs';

const { version } = manifest;
const names = ['@cuda-shutdown/linux-x64', '@cuda-shutdown/linux-arm64'];

/** A tarball as scripts/package-prebuilt.mjs makes one, for any platform. */
function prebuilt(name, more = {}) {
  const folder = makeFolder();
  mkdirSync(path.join(folder, 'package'));
  const file = path.join(folder, 'package', 'package.json');
  writeFileSync(file, JSON.stringify({ name, version, ...more }));
  const tarball = path.join(folder, `${path.basename(name)}.tgz`);
  execFileSync('tar', ['-czf', tarball, '-C', folder, 'package']);
  return tarball;
}

/** The package as it is before a release. */
function checkout(changes, changelog) {
  const folder = makeFolder();
  for (const name of [
    'scripts',
    'install',
    'native',
    'dist',
    'CMakeLists.txt',
    'binding.gyp',
    'LICENSE',
  ]) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ ...manifest, ...changes }));
  writeFileSync(path.join(folder, 'CHANGELOG.md'), changelog);
  return folder;
}

function release(folder, tarballs) {
  const script = path.join(folder, 'scripts', 'release.mjs');
  return spawnSync(process.execPath, [script, ...tarballs], { encoding: 'utf8' });
}

test('the tarball names the packages, and is else what npm packs', () => {
  const repository = 'github:example/cuda-shutdown';
  const folder = checkout({ repository }, `# Changelog\n\n## [${version}] - 2026-01-31\n`);
  const { status, stdout, stderr } = release(
    folder,
    names.map((name) => prebuilt(name)),
  );
  assert.equal(status, 0, stderr);
  const released = stdout.trim();
  const files = (tarball) =>
    execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).split('\n').sort();
  const ours = pack(makeFolder());
  assert.deepEqual(
    files(released).filter((file) => !file.endsWith('README.md')),
    files(ours).filter((file) => !file.endsWith('README.md')),
  );
  const text = execFileSync('tar', ['-xzOf', released, 'package/package.json'], {
    encoding: 'utf8',
  });
  const optional = Object.fromEntries(names.map((name) => [name, version]));
  assert.deepEqual(JSON.parse(text).optionalDependencies, optional);
  assert.deepEqual(readdirSync(path.dirname(released)).length, 3);
  // The next npm ci must not look for what is not in the registry yet.
  const untouched = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  assert.equal(untouched.optionalDependencies, undefined);
});

test('what is not ready is refused, all of it at once', () => {
  const folder = checkout({}, '# Changelog\n\n## [Unreleased]\n');
  const { status, stderr } = release(folder, [
    prebuilt(names[0], { version: '0.0.1', private: true }),
  ]);
  assert.equal(status, 1);
  for (const text of [
    "was packed without the real runtime's addon",
    `is version 0.0.1, and this is ${version}`,
    `there is no tarball of ${names[1]}`,
    `CHANGELOG.md has no section "## [${version}] - <date>"`,
    'package.json names no repository',
  ]) {
    assert.ok(stderr.includes(text), stderr);
  }
});

test('a build without the real runtime makes no prebuilt package, unless it is a private one', () => {
  const folder = checkout({}, '');
  const addon = path.join('build', 'Release', 'cuda_shutdown_simulated.node');
  mkdirSync(path.dirname(path.join(folder, addon)), { recursive: true });
  cpSync(path.join(root, addon), path.join(folder, addon));
  const script = path.join(folder, 'scripts', 'package-prebuilt.mjs');
  const run = (...args) => spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  const refused = run();
  assert.equal(refused.status, 1);
  assert.match(
    refused.stderr,
    /cuda_shutdown\.node to be there: run npm run build, with a CUDA toolkit/u,
  );
  const { status, stdout, stderr } = run('--without-cuda');
  assert.equal(status, 0, stderr);
  const args = ['-xzOf', stdout.trim(), 'package/package.json'];
  const made = JSON.parse(execFileSync('tar', args, { encoding: 'utf8' }));
  assert.equal(made.private, true);
  assert.deepEqual(made.libc, ['glibc']);
  assert.match(made.config.glibc, /^>=2\.\d+$/u);
});

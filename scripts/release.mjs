// Writes release/: what is to be published of this version. See docs/releasing.md.
//   npm run release -- prebuilds/*.tgz
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PLATFORMS } from '../install/prebuilt.mjs';

const { values, positionals: tarballs } = parseArgs({
  options: { out: { type: 'string', default: 'release' } },
  allowPositionals: true,
});
const root = path.dirname(import.meta.dirname);
const out = path.resolve(root, values.out);
const manifest = readJson(path.join(root, 'package.json'));
const { version } = manifest;

const problems = [];
const optionalDependencies = {};
for (const tarball of tarballs) {
  const prebuilt = JSON.parse(
    execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }),
  );
  if (prebuilt.private) problems.push(`${tarball} was packed without the real runtime's addon`);
  if (prebuilt.version !== version) {
    problems.push(`${tarball} is version ${prebuilt.version}, and this is ${version}`);
  }
  optionalDependencies[prebuilt.name] = version;
}
for (const platform of PLATFORMS) {
  const name = `@cuda-shutdown/${platform}`;
  if (!(name in optionalDependencies)) problems.push(`there is no tarball of ${name}`);
}
const changelog = readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8');
const heading = changelog.split('\n').find((line) => line.startsWith(`## [${version}] - `));
if (!/ - \d{4}-\d\d-\d\d$/u.test(heading ?? '')) {
  problems.push(`CHANGELOG.md has no section "## [${version}] - <date>"`);
}
if (!manifest.repository) problems.push('package.json names no repository, which provenance needs');
if (problems.length > 0) {
  console.error(`Expected version ${version} to be ready, but\n- ${problems.join('\n- ')}`);
  process.exit(1);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const tarball of tarballs) copyFileSync(tarball, path.join(out, path.basename(tarball)));
const packed = pack(root, mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-release-')));
const staged = path.dirname(packed);
execFileSync('tar', ['-xzf', packed, '-C', staged]);
const folder = path.join(staged, 'package');
const file = path.join(folder, 'package.json');
writeFileSync(file, `${JSON.stringify({ ...readJson(file), optionalDependencies }, null, 2)}\n`);
console.log(pack(folder, out));
rmSync(staged, { recursive: true });

function readJson(from) {
  return JSON.parse(readFileSync(from, 'utf8'));
}

function pack(from, to) {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', to];
  const options = { cwd: from, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  return path.join(to, JSON.parse(execFileSync('npm', args, options))[0].filename);
}

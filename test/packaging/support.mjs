// The packed package, and folders that it is used in.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

export const root = path.join(import.meta.dirname, '..', '..');
export const packages = path.join(import.meta.dirname, 'node_modules');
export const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

export function makeFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'cuda-shutdown-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Packs the package into `folder`. Answers the tarball's path. */
export function pack(folder) {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
  return path.join(folder, JSON.parse(execFileSync('npm', args, options))[0].filename);
}

/** Unpacks `tarball` into `node_modules/<name>` of `folder`, as an install without scripts does. */
export function unpack(tarball, folder, name) {
  const installed = path.join(folder, 'node_modules', name);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  return installed;
}

/** Copies what the package needs at run time, so that nothing outside of `folder` is found. */
export function copyDependencies(folder) {
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  for (const [place, { dev, optional, peer }] of Object.entries(lock.packages)) {
    if (!place.startsWith('node_modules/') || dev || optional || peer) continue;
    cpSync(path.join(root, place), path.join(folder, place), { recursive: true });
  }
}

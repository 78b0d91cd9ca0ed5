// The prebuilt package of a platform: which it would be, and whether what is installed fits. The install
// script asks, and so does the loader, into which this file is bundled.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Those that there are packages for, all with glibc. */
export const PLATFORMS = ['linux-x64', 'linux-arm64'];

export function findPrebuilt(root) {
  const require = createRequire(join(root, 'package.json'));
  const { version } = require('./package.json');
  const platform = `${process.platform}-${process.arch}`;
  const name = `@cuda-shutdown/${platform}`;
  const unfit = (reason) => ({ name, version, unfit: reason });

  if (!PLATFORMS.includes(platform)) return unfit(`there is none for ${platform}`);
  let manifest;
  try {
    manifest = require.resolve(`${name}/package.json`);
  } catch {
    return unfit('it is not installed');
  }
  const found = require(manifest);
  if (found.version !== version) return unfit(`it is version ${found.version}`);
  // Not left to dlopen: a musl with a layer for glibc would load it, and crash later.
  const libc = require('detect-libc').familySync();
  if (libc !== 'glibc') {
    return unfit(`it is for glibc, and the C library here is ${libc ?? 'unknown'}`);
  }
  return { name, version, folder: dirname(manifest), needs: found.config };
}

/** The C library of this process, as `glibc 2.36`. */
export function describeLibc(root) {
  const { familySync, versionSync } = createRequire(join(root, 'package.json'))('detect-libc');
  return `${familySync() ?? 'an unknown C library'} ${versionSync() ?? ''}`.trimEnd();
}

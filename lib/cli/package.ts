/** Where this package is, and what it says of itself. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
}

/** By the package's own name: this file is elsewhere once it is bundled. */
export function packageRoot(): string {
  return dirname(createRequire(import.meta.url).resolve('cuda-shutdown/package.json'));
}

export function manifest(): Manifest {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as Manifest;
}

export function packageVersion(): string {
  return manifest().version;
}

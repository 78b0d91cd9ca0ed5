/** Small files of the kernel's, which answer at once. */

import { existsSync, readFileSync } from 'node:fs';
import type { Surroundings } from './check.js';

/** Undefined where there is none, or it may not be read. */
export function readText({ root }: Surroundings, path: string): string | undefined {
  try {
    return readFileSync(`${root}${path}`, 'utf8');
  } catch {
    return undefined;
  }
}

export function isThere({ root }: Surroundings, path: string): boolean {
  return existsSync(`${root}${path}`);
}

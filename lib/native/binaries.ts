/** Where the addons' binaries are: built in this package, or in the prebuilt package of the platform. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { findPrebuilt } from '../../install/prebuilt.mjs';
import type { Addon } from './addon.js';
import { notLoaded } from './not-loaded.js';

export type Binary = 'cuda_shutdown' | 'cuda_shutdown_simulated';

/** Whether there is one, which need not load. */
export function hasBinary(name: Binary): boolean {
  const root = packageRoot();
  if (existsSync(builtPath(root, name))) return true;
  const { folder } = findPrebuilt(root);
  return folder !== undefined && existsSync(join(folder, `${name}.node`));
}

/**
 * What was built here comes first: whoever compiles wants it.
 *
 * @throws Error, `code: 'ERR_ADDON_NOT_LOADED'`, saying what was tried and what to do.
 */
export function requireBinary(name: Binary): Addon {
  const root = packageRoot();
  let built: unknown;
  try {
    return requireBuilt(root, name);
  } catch (error) {
    built = error;
  }
  const prebuilt = findPrebuilt(root);
  let cause: unknown;
  if (prebuilt.folder !== undefined) {
    try {
      return createRequire(import.meta.url)(join(prebuilt.folder, `${name}.node`)) as Addon;
    } catch (error) {
      cause = error;
    }
  }
  throw notLoaded(root, { path: builtPath(root, name), cause: built }, { ...prebuilt, cause });
}

function requireBuilt(root: string, name: Binary): Addon {
  const bindings = createRequire(import.meta.url)('bindings') as typeof import('bindings');
  return bindings({
    bindings: name,
    module_root: root,
    // Only where the install step builds: a stale build/Debug must not win.
    try: [['module_root', 'build', 'Release', 'bindings']],
  }) as Addon;
}

function builtPath(root: string, name: Binary): string {
  return join(root, 'build', 'Release', `${name}.node`);
}

/** By the package's own name: this file is elsewhere once it is bundled. */
function packageRoot(): string {
  return dirname(createRequire(import.meta.url).resolve('cuda-shutdown/package.json'));
}

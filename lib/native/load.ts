/**
 * Finds and loads the addon. State: one addon per environment (the main thread, each worker), for
 * the environment's life.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { workerThreadsModule } from '../common/builtins.js';
import { expected } from '../common/expected.js';
import type { Addon } from './addon.js';

export type BackendSetting = 'auto' | 'cuda' | 'simulated';

type Binary = 'cuda_shutdown' | 'cuda_shutdown_simulated';

interface LoadedAddon {
  readonly addon: Addon;
  readonly setting: BackendSetting;
  /** Why the real runtime's addon was wanted and is not the one that was loaded. */
  readonly notReal?: { readonly code: string; readonly message: string };
}

let loaded: LoadedAddon | undefined;

/**
 * Loads the addon at the first call: the real runtime's where one was built, else the simulated
 * one's, of which then only the watchdog is used (see backend.ts).
 *
 * @throws Error, `code: 'ERR_ADDON_NOT_LOADED'`, saying what was tried and what to do.
 * @throws RangeError for a `CUDA_SHUTDOWN_BACKEND` that does not exist.
 */
export function loadAddon(): Addon {
  return load().addon;
}

/** What has been loaded, without loading anything. */
export function loadedAddon(): LoadedAddon | undefined {
  return loaded;
}

export function load(): LoadedAddon {
  if (loaded === undefined) {
    loaded = choose(setting());
    loaded.addon.initialise(workerThreadsModule().isMainThread);
  }
  return loaded;
}

function setting(): BackendSetting {
  const value = process.env.CUDA_SHUTDOWN_BACKEND ?? 'auto';
  if (value === '') return 'auto';
  if (value === 'auto' || value === 'cuda' || value === 'simulated') return value;
  throw new RangeError(expected('CUDA_SHUTDOWN_BACKEND', 'auto, cuda or simulated', value));
}

function choose(wanted: BackendSetting): LoadedAddon {
  if (wanted === 'simulated') {
    return { addon: requireBinary('cuda_shutdown_simulated'), setting: wanted };
  }
  if (!existsSync(binaryPath('cuda_shutdown'))) {
    const message =
      'this installation was built without a CUDA toolkit, so it has no addon for the real runtime; ' +
      'install a CUDA toolkit (12.5 or later) and run `npm rebuild cuda-shutdown`';
    return {
      addon: requireBinary('cuda_shutdown_simulated'),
      setting: wanted,
      notReal: { code: 'ERR_ADDON_NOT_BUILT', message },
    };
  }
  return { addon: requireBinary('cuda_shutdown'), setting: wanted };
}

function binaryPath(name: Binary): string {
  return join(packageRoot(), 'build', 'Release', `${name}.node`);
}

/** By the package's own name: this file is elsewhere once it is bundled. */
function packageRoot(): string {
  return dirname(createRequire(import.meta.url).resolve('cuda-shutdown/package.json'));
}

function requireBinary(name: Binary): Addon {
  const bindings = createRequire(import.meta.url)('bindings') as typeof import('bindings');
  try {
    return bindings({
      bindings: name,
      module_root: packageRoot(),
      // Only where the install step builds: a stale build/Debug must not win.
      try: [['module_root', 'build', 'Release', 'bindings']],
    }) as Addon;
  } catch (cause) {
    throw notLoaded(name, cause);
  }
}

function notLoaded(name: Binary, cause: unknown): Error {
  const path = binaryPath(name);
  const what = existsSync(path)
    ? `it is there but does not load: ${cause instanceof Error ? cause.message : String(cause)}`
    : 'it is not there';
  const message = [
    `Expected the addon ${path} to load, but ${what}`,
    'Possible solutions:',
    '- Build it: npm rebuild cuda-shutdown (needs CMake 3.22, a C++20 compiler and make or ninja)',
    '- With npm 12 or later, install scripts are blocked by default: npm install-scripts approve cuda-shutdown, then npm rebuild cuda-shutdown',
    `- It was installed for another platform than ${process.platform}-${process.arch}: remove node_modules and install again on this one`,
  ].join('\n');
  return Object.assign(new Error(message, { cause }), { code: 'ERR_ADDON_NOT_LOADED' });
}

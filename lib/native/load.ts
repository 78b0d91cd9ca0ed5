/**
 * Chooses and loads the addon. State: one addon per environment (the main thread, each worker), for
 * the environment's life.
 */

import { workerThreadsModule } from '../common/builtins.js';
import { expected } from '../common/expected.js';
import type { Addon } from './addon.js';
import { hasBinary, requireBinary } from './binaries.js';

export type BackendSetting = 'auto' | 'cuda' | 'simulated';

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
  if (!hasBinary('cuda_shutdown')) {
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

/**
 * Which CUDA runtime answers: the real one, the simulated one (chosen by name only), or none.
 * State: the verdict, for the environment's life, because the runtime opens the driver once; a
 * simulated runtime may begin anew.
 */

import { CudaUnavailableError } from '../common/errors.js';
import type { Addon } from './addon.js';
import { load } from './load.js';

export interface Backend {
  readonly kind: 'cuda' | 'simulated' | 'none';
  readonly addon: Addon;
  readonly deviceCount: number;
  /** Why there is no device. `code` is the runtime's name for it, as `cudaErrorNoDevice`. */
  readonly unavailableReason?: { readonly code: string; readonly message: string };
}

let verdict: Backend | undefined;

/** Asks the runtime for its devices at the first call. Creates no context. */
export function backend(): Backend {
  verdict ??= decide();
  return verdict;
}

/** The simulated runtime has become another one: it is asked anew. */
export function forgetBackend(): void {
  verdict = undefined;
}

/** The backend, for what cannot be done without a device. @throws CudaUnavailableError */
export function availableBackend(): Backend {
  const current = backend();
  const reason = current.unavailableReason;
  if (reason !== undefined) {
    throw new CudaUnavailableError(`CUDA is not available: ${reason.message}`, reason.code);
  }
  return current;
}

function decide(): Backend {
  const { addon, setting, notReal } = load();
  const found =
    notReal === undefined
      ? askRuntime(addon)
      : { kind: 'none' as const, addon, deviceCount: 0, unavailableReason: notReal };
  if (setting === 'cuda' && found.unavailableReason !== undefined) {
    throw new CudaUnavailableError(
      `CUDA_SHUTDOWN_BACKEND is cuda, but ${found.unavailableReason.message}`,
      found.unavailableReason.code,
    );
  }
  return found;
}

function askRuntime(addon: Addon): Backend {
  const probe = addon.probe();
  const simulated = addon.runtime === 'simulated';
  if (probe.cudaCode === 0 && probe.deviceCount > 0) {
    return { kind: simulated ? 'simulated' : 'cuda', addon, deviceCount: probe.deviceCount };
  }
  const unavailableReason =
    probe.cudaCode === 0
      ? { code: 'cudaErrorNoDevice', message: 'the CUDA runtime found no device' }
      : {
          code: probe.cudaName,
          message: `the CUDA runtime answers ${probe.cudaName} (${probe.cudaCode}): ${probe.message}`,
        };
  return { kind: simulated ? 'simulated' : 'none', addon, deviceCount: 0, unavailableReason };
}

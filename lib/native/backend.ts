/**
 * Which CUDA runtime answers: the real one, the simulated one (chosen by name only), or none.
 * State: the verdict, for the environment's life, because the runtime opens the driver once; a
 * simulated runtime may begin anew.
 */

import { CudaUnavailableError } from '../common/errors.js';
import type { Addon } from './addon.js';
import { load } from './load.js';
import { unavailableReason, type UnavailableReason } from './unavailable.js';

export interface Backend {
  readonly kind: 'cuda' | 'simulated' | 'none';
  readonly addon: Addon;
  readonly deviceCount: number;
  /** Why there is no device. */
  readonly unavailableReason?: UnavailableReason;
}

let verdict: Backend | undefined;

/**
 * Asks the runtime for its devices at the first call. Creates no context.
 * @throws CudaUnavailableError where the real runtime was demanded and has no device
 */
export function backend(): Backend {
  const current = backendOrNone();
  if (current.unavailableReason !== undefined && load().setting === 'cuda') {
    throw unavailable('CUDA_SHUTDOWN_BACKEND is cuda, but', current.unavailableReason);
  }
  return current;
}

/** For a shutdown: that the runtime which was demanded is not there is the service's concern. */
export function backendOrNone(): Backend {
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
  if (reason !== undefined) throw unavailable('CUDA is not available:', reason);
  return current;
}

function unavailable(what: string, { code, message }: UnavailableReason): CudaUnavailableError {
  return new CudaUnavailableError(`${what} ${message}`, code);
}

function decide(): Backend {
  const { addon, notReal } = load();
  if (notReal !== undefined) {
    return { kind: 'none', addon, deviceCount: 0, unavailableReason: notReal };
  }
  const probe = addon.probe();
  const simulated = addon.runtime === 'simulated';
  if (probe.cudaCode === 0 && probe.deviceCount > 0) {
    return { kind: simulated ? 'simulated' : 'cuda', addon, deviceCount: probe.deviceCount };
  }
  return {
    kind: simulated ? 'simulated' : 'none',
    addon,
    deviceCount: 0,
    unavailableReason: unavailableReason(probe, addon.runtime),
  };
}

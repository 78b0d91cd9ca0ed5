/** The result of an unload that found nothing to do. */

import type { UnloadResult } from './unloadable.js';

export function alreadyUnloaded(name: string): UnloadResult {
  return {
    name,
    status: 'already-unloaded',
    freedBytes: 0,
    tensors: 0,
    durationMs: 0,
    drainedLeases: 0,
    memory: { before: undefined, after: undefined, verified: 'unverifiable' },
  };
}

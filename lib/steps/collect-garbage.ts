/** Garbage collection on demand, and the finalizers behind it. */

import { v8, vm } from '../common/builtins.js';

/**
 * Collects garbage and lets finalizers run: some libraries free device memory only there. Blocks the
 * event loop for as long as a full collection takes, which grows with the heap.
 */
export async function collectGarbage(): Promise<void> {
  const collect = globalThis.gc ?? exposedGc();
  collect();
  // Finalizers of native objects and of FinalizationRegistry run in later turns of the loop; what
  // they let go may make more collectable.
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
  collect();
  await new Promise(setImmediate);
}

/** The way to `gc` without `--expose-gc`: a context made while the flag is set has it. */
function exposedGc(): () => void {
  v8().setFlagsFromString('--expose-gc');
  try {
    return vm().runInNewContext('gc') as () => void;
  } finally {
    v8().setFlagsFromString('--no-expose-gc');
  }
}

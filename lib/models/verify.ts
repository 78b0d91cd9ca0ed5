/** Whether the memory came back: what the device says, not what was assumed. */

import type { NativeReleaseSettlement } from '../native/addon.js';
import type { UnloadMemory } from './unloadable.js';

export function verify(settlement: NativeReleaseSettlement): UnloadMemory {
  const { before, after, exclusive, freedBytes } = settlement;
  if (before === undefined || after === undefined || !exclusive) {
    return { before, after, verified: 'unverifiable' };
  }
  return { before, after, verified: before.allocated - after.allocated >= freedBytes };
}

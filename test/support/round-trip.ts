/** What the fixture that loads a model and reads it back tells of each tensor. */

import { createHash } from 'node:crypto';

export interface ReadBack {
  readonly device: number;
  readonly pointer: string;
  readonly bytes: number;
  readonly sha256: string;
}

export function sha256(data: Uint8Array | undefined): string {
  return createHash('sha256')
    .update(data ?? new Uint8Array())
    .digest('hex');
}

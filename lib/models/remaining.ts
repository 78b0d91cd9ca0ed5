/** Which tensors' memory a model still holds. */

import type { RemainingTensor, RemainingTensors } from '../common/errors.js';
import { formatBytes } from '../common/format.js';

/** So many are named: the largest. A model has thousands. */
const MOST_NAMED = 20;
/** In a sentence. */
const MOST_TOLD = 3;

/** Undefined where there is none. */
export function remainingOf(tensors: readonly RemainingTensor[]): RemainingTensors | undefined {
  if (tensors.length === 0) return undefined;
  const sorted = tensors.toSorted((a, b) => b.bytes - a.bytes);
  const largest = sorted
    .slice(0, MOST_NAMED)
    .map(({ name, bytes, device }) => ({ name, bytes, device }));
  const others = sorted.slice(MOST_NAMED);
  return {
    largest,
    others: others.length,
    otherBytes: others.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** A clause for people; empty where nothing is known to be held. */
export function heldText(remaining: RemainingTensors | undefined): string {
  if (remaining === undefined) return '';
  const { largest, others } = remaining;
  const told = largest
    .slice(0, MOST_TOLD)
    .map(({ name, bytes }) => `${name} (${formatBytes(bytes)})`);
  const more = largest.length - told.length + others;
  return `; still held: ${told.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}

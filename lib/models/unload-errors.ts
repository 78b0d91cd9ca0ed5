/** How an unload says why it ended early, and how far it had come. */

import {
  AbortError,
  type RemainingTensors,
  TimeoutError,
  type UnloadBalance,
  UnloadError,
} from '../common/errors.js';
import { heldText } from './remaining.js';

export type UnloadPhase = 'waiting' | 'draining' | 'releasing' | 'ended';

/** Where an unload stands at the moment when an error is made of it. */
export interface Situation {
  readonly name: string;
  readonly bytes: number;
  readonly freedBytes: number;
  /** What is held; undefined where that is not known. */
  readonly remainingTensors: RemainingTensors | undefined;
  readonly leasesHeld: number;
  readonly phase: UnloadPhase;
  readonly stuck: boolean;
  readonly stuckIn: string;
}

type Held = Pick<Situation, 'bytes' | 'freedBytes' | 'remainingTensors'>;

export function balanceOf({ bytes, freedBytes, remainingTensors }: Held): UnloadBalance {
  return {
    freedBytes,
    remainingBytes: bytes - freedBytes,
    ...(remainingTensors === undefined ? {} : { remainingTensors }),
  };
}

export function abortedBefore(name: string, held: Held, cause: unknown): AbortError {
  return new AbortError(`The unload of ${name} was aborted before it began`, {
    cause,
    ...balanceOf(held),
  });
}

export function abortError(situation: Situation, cause: unknown): AbortError {
  return new AbortError(`The unload of ${situation.name} was aborted while ${doing(situation)}`, {
    cause,
    ...balanceOf(situation),
  });
}

export function timeoutError(situation: Situation, limitMs: number): TimeoutError {
  return new TimeoutError(
    `Expected the unload of ${situation.name} to end within ${limitMs} ms, it was still ${doing(situation)}`,
    balanceOf(situation),
  );
}

export function releaseError(situation: Situation, cause: Error): UnloadError {
  return new UnloadError(
    `The unload of ${situation.name} failed while releasing: ${cause.message}${heldText(situation.remainingTensors)}`,
    { phase: 'releasing', ...balanceOf(situation) },
    { cause },
  );
}

function doing(situation: Situation): string {
  const { phase, bytes, freedBytes, leasesHeld, stuck, stuckIn } = situation;
  switch (phase) {
    case 'waiting':
      return `waiting for ${stuckIn} of the unload before it to come back`;
    case 'draining':
      return `draining, with ${leasesHeld} leases held`;
    default:
      return (
        `${stuck ? `stuck inside ${stuckIn}` : 'releasing'}, with ${freedBytes} of ${bytes} bytes freed` +
        heldText(situation.remainingTensors)
      );
  }
}

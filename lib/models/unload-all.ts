/** Unloads many, each within its own time, in the order of a schedule. */

import { type RemainingTensors, toError, type UnloadBalance } from '../common/errors.js';
import { notify } from '../common/notify.js';
import { type Registered, Schedule, sizeOf, type Turn } from './schedule.js';
import { alreadyUnloaded } from './unload-result.js';
import { unloadWithin } from './unload-within.js';
import type { UnloadProgress, UnloadResult } from './unloadable.js';

export interface FailedUnload {
  readonly name: string;
  readonly error: Error;
  /** Known where the error tells. */
  readonly freedBytes?: number;
  readonly remainingBytes?: number;
  readonly remainingTensors?: RemainingTensors;
  readonly durationMs: number;
}

export interface UnloadPlan {
  readonly timeoutMs: number;
  /** In the time of `performance.now()`. */
  readonly endsAt: number;
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((name: string, progress: UnloadProgress) => void) | undefined;
  readonly close: boolean;
}

/** Each by its entry: what an unloadable calls itself in its result proves nothing. */
export interface UnloadOutcome {
  readonly unloaded: Map<Registered, UnloadResult>;
  readonly failed: FailedUnload[];
}

/** Never rejects. */
export function unloadScheduled(
  entries: readonly Registered[],
  plan: UnloadPlan,
): Promise<UnloadOutcome> {
  const outcome: UnloadOutcome = { unloaded: new Map(), failed: [] };
  const schedule = new Schedule(entries, plan.concurrency);
  let running = 0;
  return new Promise((resolve) => {
    const beginNext = (): void => {
      while (running < plan.concurrency) {
        const turn = schedule.begin();
        if (turn === undefined) break;
        running += 1;
        void unloadOne(turn, plan, outcome).then(() => {
          turn.end();
          running -= 1;
          beginNext();
        });
      }
      if (running === 0) resolve(outcome);
    };
    beginNext();
  });
}

async function unloadOne(
  { entry, toGo }: Turn,
  plan: UnloadPlan,
  outcome: UnloadOutcome,
): Promise<void> {
  const { name, unloadable } = entry;
  const startedAt = performance.now();
  try {
    const result = await unloadWithin(unloadable, {
      name,
      limitMs: Math.min(plan.timeoutMs, (plan.endsAt - startedAt) / toGo),
      signal: plan.signal,
      onProgress: (progress) => {
        notify(plan.onProgress, name, progress);
      },
    });
    outcome.unloaded.set(entry, resultOf(entry, result, startedAt));
  } catch (thrown) {
    outcome.failed.push(failure(name, toError(thrown), startedAt));
  }
}

function failure(name: string, error: Error, startedAt: number): FailedUnload {
  const { freedBytes, remainingBytes, remainingTensors } = error as Partial<UnloadBalance>;
  return {
    name,
    error,
    ...(freedBytes === undefined ? {} : { freedBytes }),
    ...(remainingBytes === undefined ? {} : { remainingBytes }),
    ...(remainingTensors === undefined ? {} : { remainingTensors }),
    durationMs: performance.now() - startedAt,
  };
}

/** For an unloadable that tells nothing, what it held is taken as freed, and not verified. */
function resultOf(
  { name, unloadable }: Registered,
  told: unknown,
  startedAt: number,
): UnloadResult {
  const durationMs = performance.now() - startedAt;
  const assumed = { ...alreadyUnloaded(name), status: 'unloaded' as const, durationMs };
  const freedBytes = sizeOf(unloadable);
  const result = typeof told === 'object' && told !== null ? told : {};
  return { ...assumed, freedBytes, ...result, name };
}

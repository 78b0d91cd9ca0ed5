/**
 * Unloads many, in lanes: a device is a lane, because its thread frees one model at a time, and what
 * is on no device is a lane of its own.
 */

import { toError, type UnloadBalance } from '../common/errors.js';
import { notify } from '../common/notify.js';
import { alreadyUnloaded } from './unload-result.js';
import { unloadWithin } from './unload-within.js';
import type { Unloadable, UnloadProgress, UnloadResult } from './unloadable.js';

export interface FailedUnload {
  readonly name: string;
  readonly error: Error;
  /** Known where the error tells. */
  readonly freedBytes?: number;
  readonly remainingBytes?: number;
  readonly durationMs: number;
}

export interface UnloadPlan {
  readonly timeoutMs: number;
  /** In the time of `performance.now()`. */
  readonly endsAt: number;
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((name: string, progress: UnloadProgress) => void) | undefined;
}

/** Each by its unloadable: what that calls itself in its result proves nothing. */
interface Outcome {
  readonly unloaded: Map<Unloadable, UnloadResult>;
  readonly failed: FailedUnload[];
}

export async function unloadInLanes(
  unloadables: readonly Unloadable[],
  plan: UnloadPlan,
): Promise<Outcome> {
  const outcome: Outcome = { unloaded: new Map(), failed: [] };
  const waiting = lanes(unloadables);
  const workers = Math.min(plan.concurrency, waiting.length);
  const work = async (): Promise<void> => {
    for (let lane = waiting.shift(); lane !== undefined; lane = waiting.shift()) {
      for (const [index, unloadable] of lane.entries()) {
        const toGo = lane.length - index + waiting.flat().length / workers;
        await unloadOne(unloadable, toGo, plan, outcome);
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return outcome;
}

function lanes(unloadables: readonly Unloadable[]): Unloadable[][] {
  const byKey = new Map<unknown, Unloadable[]>();
  for (const unloadable of unloadables) {
    const { device } = unloadable as { device?: unknown };
    const key = typeof device === 'number' ? device : unloadable;
    byKey.set(key, [...(byKey.get(key) ?? []), unloadable]);
  }
  return [...byKey.values()].map((lane) =>
    lane.toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0)),
  );
}

/** @param toGo How many must share the time that is left, this one included. */
async function unloadOne(
  unloadable: Unloadable,
  toGo: number,
  plan: UnloadPlan,
  outcome: Outcome,
): Promise<void> {
  const { name } = unloadable;
  const startedAt = performance.now();
  try {
    const result = await unloadWithin(unloadable, {
      limitMs: Math.min(plan.timeoutMs, (plan.endsAt - startedAt) / toGo),
      signal: plan.signal,
      onProgress: (progress) => {
        notify(plan.onProgress, name, progress);
      },
    });
    const measured = typeof result === 'object' && result !== null;
    outcome.unloaded.set(unloadable, {
      ...unmeasured(unloadable, startedAt),
      ...(measured ? result : {}),
      name,
    });
  } catch (thrown) {
    outcome.failed.push(failure(name, toError(thrown), startedAt));
  }
}

function failure(name: string, error: Error, startedAt: number): FailedUnload {
  const { freedBytes, remainingBytes } = error as Partial<UnloadBalance>;
  return {
    name,
    error,
    ...(freedBytes === undefined ? {} : { freedBytes }),
    ...(remainingBytes === undefined ? {} : { remainingBytes }),
    durationMs: performance.now() - startedAt,
  };
}

/** For an unloadable that tells nothing: what it held is taken as freed, and not verified. */
function unmeasured(unloadable: Unloadable, startedAt: number): UnloadResult {
  return {
    ...alreadyUnloaded(unloadable.name),
    status: 'unloaded',
    freedBytes: unloadable.bytes ?? 0,
    durationMs: performance.now() - startedAt,
  };
}

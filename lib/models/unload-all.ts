/** Unloads many, each within its own time, in the order of a schedule. */

import { type RemainingTensors, toError, type UnloadBalance } from '../common/errors.js';
import { forwardedSignal } from '../common/forwarded-signal.js';
import { notify } from '../common/notify.js';
import { newConvoy, type Turns } from './in-turn.js';
import { heldBy, isModel } from './model.js';
import { Schedule, type Turn } from './schedule.js';
import { type Registered, sizeOf } from './schedule-nodes.js';
import { unloadModelWithin } from './unload-model-within.js';
import { alreadyUnloaded } from './unload-result.js';
import { unloadWithin } from './unload-within.js';
import type { Unloadable, UnloadContext, UnloadProgress, UnloadResult } from './unloadable.js';

/** An unload that failed: what was to be unloaded stays registered, and can be tried again. */
export interface FailedUnload {
  readonly name: string;
  readonly error: Error;
  /** Known where the error tells. */
  readonly freedBytes?: number;
  readonly remainingBytes?: number;
  readonly remainingTensors?: RemainingTensors;
  /** When its own time began, in the time of `performance.now()`. */
  readonly startedAt?: number;
  readonly durationMs: number;
}

export interface UnloadPlan {
  readonly timeoutMs: number;
  /** In the time of `performance.now()`. */
  readonly endsAt: number;
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((name: string, progress: UnloadProgress) => void) | undefined;
  readonly onUnload: ((result: UnloadResult) => void) | undefined;
  readonly onError: ((failure: FailedUnload) => void) | undefined;
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
  const schedule = new Schedule(entries, plan.concurrency, isModel);
  const convoy = newConvoy();
  const forwarded = forwardedSignal(plan.signal);
  let going = 0;
  let beginning = false;
  return new Promise((resolve) => {
    const beginAll = (): void => {
      // One that is handed over while it begins: the loop below looks again.
      if (beginning) return;
      beginning = true;
      for (let turn = schedule.begin(); turn !== undefined; turn = schedule.begin()) begin(turn);
      beginning = false;
      if (going > 0) return;
      forwarded.end();
      resolve(outcome);
    };
    const begin = (turn: Turn): void => {
      going += 1;
      const handOver = (): void => {
        turn.handOver();
        beginAll();
      };
      void unloadOne(turn, { ...plan, signal: forwarded.signal }, outcome, {
        convoy,
        onReleasing: handOver,
      }).then(() => {
        turn.end();
        going -= 1;
        beginAll();
      });
    };
    beginAll();
  });
}

async function unloadOne(
  turn: Turn,
  plan: UnloadPlan,
  outcome: UnloadOutcome,
  queue: Pick<Turns, 'convoy' | 'onReleasing'>,
): Promise<void> {
  const { name, unloadable } = turn.entry;
  let startedAt = performance.now();
  const limitFrom = (toGo: number): number => {
    startedAt = performance.now();
    return Math.min(plan.timeoutMs, (plan.endsAt - startedAt) / toGo);
  };
  const bounds = {
    name,
    limitMs: turn.toGo === undefined ? Infinity : limitFrom(turn.toGo),
    signal: plan.signal,
    onProgress: plan.onProgress && progressOf(name, plan.onProgress),
    held: () => (isModel(unloadable) ? heldBy(unloadable) : heldByForeign(unloadable)),
  };
  try {
    const told = isModel(unloadable)
      ? await unloadModelWithin(unloadable, bounds, queue, (begin) => {
          turn.whenFirst((toGo) => {
            begin(limitFrom(toGo));
          });
        })
      : resultOf(turn.entry, await unloadWithin(unloadable, bounds), startedAt);
    // A model's own time begins when its release is queued; its turn has begun later.
    const durationMs = Math.min(told.durationMs, performance.now() - startedAt);
    const ended = { ...told, name, durationMs, startedAt };
    outcome.unloaded.set(turn.entry, ended);
    notify(plan.onUnload, ended);
  } catch (thrown) {
    const failed = failure(name, toError(thrown), startedAt);
    outcome.failed.push(failed);
    notify(plan.onError, failed);
  }
}

function progressOf(
  name: string,
  onProgress: NonNullable<UnloadPlan['onProgress']>,
): UnloadContext['onProgress'] {
  return (progress) => {
    notify(onProgress, name, progress);
  };
}

/** One that does not say what it holds may hold anything. */
function heldByForeign(unloadable: Unloadable): UnloadBalance | undefined {
  const remainingBytes = sizeOf(unloadable);
  return remainingBytes === 0 ? undefined : { freedBytes: 0, remainingBytes };
}

function failure(name: string, error: Error, startedAt: number): FailedUnload {
  const { freedBytes, remainingBytes, remainingTensors } = error as Partial<UnloadBalance>;
  return {
    name,
    error,
    ...(freedBytes === undefined ? {} : { freedBytes }),
    ...(remainingBytes === undefined ? {} : { remainingBytes }),
    ...(remainingTensors === undefined ? {} : { remainingTensors }),
    startedAt,
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

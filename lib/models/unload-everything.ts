/** `unloadAll()`: what is registered, what is being admitted, and what is added until it is over. */

import { TimeoutError } from '../common/errors.js';
import type { Stop } from './admissions.js';
import type { UnloadSummary } from './registry-options.js';
import type { Registered } from './schedule-nodes.js';
import type { FailedUnload, UnloadPlan } from './unload-all.js';

/** What it needs of its registry. */
export interface Everything {
  /** As it is at this moment. */
  all(): readonly Registered[];
  /** Whether something that is being admitted depends on it, be it through others. */
  isAwaited(entry: Registered): boolean;
  unload(entries: readonly Registered[], plan: UnloadPlan): Promise<UnloadSummary>;
}

/** @param pending Those that are being admitted; undefined where there are none. */
export async function unloadEverything(
  registry: Everything,
  plan: UnloadPlan,
  pending: Stop | undefined,
): Promise<UnloadSummary> {
  const startedAt = performance.now();
  const tried = new Set<Registered>();
  const passes: UnloadSummary[] = [];
  const pass = async (entries: readonly Registered[], limits: UnloadPlan): Promise<void> => {
    for (const entry of entries) tried.add(entry);
    passes.push(await registry.unload(entries, limits));
  };
  const untried = (): readonly Registered[] => registry.all().filter((entry) => !tried.has(entry));

  let late = 0;
  if (pending !== undefined) {
    // First what nothing waits for that is being admitted: half of the time is for that.
    const endsAt = startedAt + (plan.endsAt - startedAt) / 2;
    const free = registry.all().filter((entry) => !registry.isAwaited(entry));
    const [stillLoading] = await Promise.all([
      pending.wait(Math.min(endsAt, startedAt + plan.timeoutMs), plan.signal),
      pass(free, { ...plan, endsAt }),
    ]);
    late = stillLoading;
  }
  // What is added meanwhile comes behind them.
  for (let rest = untried(); rest.length > 0; rest = untried()) await pass(rest, plan);

  const durationMs = performance.now() - startedAt;
  return {
    unloaded: passes.flatMap(({ unloaded }) => unloaded),
    failed: [...passes.flatMap(({ failed }) => failed), ...lateLoads(late, durationMs)],
    freedBytes: passes.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
    durationMs,
  };
}

/** Nobody knows yet what they are called. */
function lateLoads(count: number, durationMs: number): readonly FailedUnload[] {
  if (count === 0) return [];
  const error = new TimeoutError(
    `Expected what is being admitted to be there in time to be unloaded, ${count} still load`,
  );
  return [{ name: '(being admitted)', error, durationMs }];
}

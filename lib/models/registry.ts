/** A set of unloadables: all of them unloaded, the idle ones, or those that make room for others. */

import { notify } from '../common/notify.js';
import { optionalFunction, optionsObject, positiveMs, requiredMs } from '../common/options.js';
import { Admissions } from './admissions.js';
import { type BudgetOf, bytesOn, checkBudget } from './budget.js';
import { Entries } from './entries.js';
import { watchIdle } from './idle.js';
import type { Model } from './model.js';
import {
  type AddOptions,
  type AdmitContext,
  type AdmitOptions,
  admittedFrom,
  DEFAULT_TIMEOUT_MS,
  type IdleOptions,
  planFrom,
  type RegistryOptions,
  type UnloadAllOptions,
  type UnloadSummary,
} from './registry-options.js';
import { Room } from './room.js';
import { type Registered, sizeOf } from './schedule-nodes.js';
import { type FailedUnload, unloadScheduled, type UnloadPlan } from './unload-all.js';
import { type Everything, unloadEverything } from './unload-everything.js';
import { unloadWithin } from './unload-within.js';
import type { Unloadable } from './unloadable.js';

export type {
  AddOptions,
  AdmitContext,
  AdmitOptions,
  AdmittedBytes,
  IdleOptions,
  RegistryOptions,
  UnloadAllOptions,
  UnloadSummary,
} from './registry-options.js';

/** Object lifetime. What was unloaded leaves the registry; what failed stays, to be tried again. */
export class ModelRegistry {
  readonly #failed = new Map<string, FailedUnload>();
  readonly #entries = new Entries((name) => this.#failed.delete(name));
  readonly #admissions = new Admissions();
  readonly #budget: BudgetOf;
  readonly #room = new Room({
    on: (device) => this.#entries.present().filter((entry) => bytesOn(entry, device) !== undefined),
    dependents: (entry) => this.#entries.dependents(entry),
    isAwaited: (entry) => this.#isAwaited(entry),
    unload: (entry, timeoutMs) => this.#makeWay(entry, timeoutMs),
  });

  readonly #everything: Everything = {
    all: () => this.#entries.all(),
    isAwaited: (entry) => this.#isNeededByPending(entry),
    unload: (entries, plan) => this.#unload(entries, plan),
  };

  /** @throws TypeError, RangeError for a budget that is none */
  constructor(options?: RegistryOptions) {
    this.#budget = checkBudget(optionsObject(options, ['budget']).budget);
  }

  /**
   * @throws TypeError for what cannot be unloaded; RangeError for a name that is taken, and for a
   * dependency that is not registered, or depends on it; ModelStateError after the `unloadAll()` of a
   * shutdown, as nothing would unload it.
   */
  add(unloadable: Unloadable | Model, options?: AddOptions): this {
    this.#admissions.checkOpen();
    this.#entries.add(unloadable, options, {});
    return this;
  }

  /** Forgets it without unloading it. True if it was there. */
  remove(name: string): boolean {
    return this.#entries.remove(name);
  }

  /** What was added under that name, until it has been unloaded or removed. */
  get(name: string): Unloadable | undefined {
    return this.#entries.get(name)?.unloadable;
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** What all of them hold together, by what each says of itself. */
  get bytes(): number {
    return sum(this.#entries.all().map(({ unloadable }) => sizeOf(unloadable)));
  }

  /** The unloads that failed and have not succeeded since, each with its error. */
  get failed(): readonly FailedUnload[] {
    return [...this.#failed.values()];
  }

  /**
   * Unloads everything: device by device side by side, within a device one after the other, the
   * largest first, and what others depend on behind those. A failure is recorded and the others go on,
   * so this rejects only for bad options: after an abort of `signal`, what was not unloaded is among the
   * failed. What is being admitted is told to stop, waited for, and unloaded like the rest; what is added
   * until this has ended is unloaded behind it.
   */
  async unloadAll(options?: UnloadAllOptions): Promise<UnloadSummary> {
    const plan = planFrom(options);
    const isPending = this.#admissions.size > 0;
    const stop = this.#admissions.stop(plan.close);
    try {
      return await unloadEverything(this.#everything, plan, isPending ? stop : undefined);
    } finally {
      stop.over();
    }
  }

  #isNeededByPending(entry: Registered): boolean {
    if (this.#isAwaited(entry)) return true;
    return this.#entries.dependents(entry).some((dependent) => this.#isNeededByPending(dependent));
  }

  /**
   * From now on unloads each model that had no lease for `unloadAfterMs`, and forgets it; what depends
   * on it is unloaded before it, and keeps it while that is in use. Answers what ends that. It does not
   * keep the process alive.
   *
   * @throws TypeError, RangeError
   */
  idle(options: IdleOptions): () => void {
    const given = optionsObject(options, ['unloadAfterMs', 'timeoutMs', 'onUnload', 'onError']);
    const timeoutMs = positiveMs('timeoutMs', given.timeoutMs, DEFAULT_TIMEOUT_MS);
    const unloadAfterMs = requiredMs('unloadAfterMs', given.unloadAfterMs);
    const onUnload = optionalFunction('onUnload', given.onUnload);
    const onError = optionalFunction('onError', given.onError);
    const entries = (): Iterable<Registered> => this.#entries.all();
    const isNeeded = (entry: Registered): boolean =>
      this.#entries.dependents(entry).length > 0 || this.#isAwaited(entry);
    return watchIdle(unloadAfterMs, entries, isNeeded, (entry) => {
      void this.#unload([entry], planFrom({ timeoutMs })).then(({ unloaded, failed }) => {
        for (const result of unloaded) notify(onUnload, result);
        for (const failure of failed) notify(onError, failure);
      });
    });
  }

  /**
   * Loads within the budget, and registers what was loaded: first the idle models of the device are
   * unloaded, the one not used for longest first, until there is room; one with a lease never is. Several
   * at the same time share the room. With `bytesByDevice` room is made on each of the devices, or on none.
   *
   * @throws TypeError, RangeError; ModelBudgetError when there is no room to be made; what `load` throws;
   *   ModelStateError while `unloadAll()` is under way, and after the one of a shutdown
   */
  async admit<T extends Unloadable>(
    options: AdmitOptions,
    load: (context: AdmitContext) => Promise<T>,
  ): Promise<T> {
    const known = ['bytes', 'device', 'bytesByDevice', 'dependsOn', 'timeoutMs'] as const;
    const given = optionsObject(options, known);
    const admitted = admittedFrom(given);
    const timeoutMs = positiveMs('timeoutMs', given.timeoutMs, DEFAULT_TIMEOUT_MS);
    const dependsOn = this.#entries.dependencies(given.dependsOn);
    const { device: only, admittedBytes, admittedByDevice } = admitted;
    const needs = [...(admittedByDevice ?? new Map([[only, admittedBytes]]))]
      .map(([device, bytes]) => ({ device, bytes, budgetBytes: this.#budget(device) }))
      .filter(({ budgetBytes }) => budgetBytes !== Infinity);
    const admission = this.#admissions.begin(dependsOn);
    let giveBack: (() => void) | undefined;
    try {
      giveBack = needs.length === 0 ? undefined : await this.#room.take({ needs, timeoutMs });
      admission.checkBeforeLoad();
      const loaded = await load({ signal: admission.signal });
      try {
        admission.checkAfterLoad();
        // In one turn with giving back the room: nobody counts it twice.
        this.#entries.add(loaded, { dependsOn }, admitted);
      } catch (error) {
        await discard(loaded);
        throw error;
      }
      return loaded;
    } finally {
      giveBack?.();
      admission.end();
    }
  }

  #isAwaited({ name }: Registered): boolean {
    return this.#admissions.need(name);
  }

  async #makeWay(entry: Registered, timeoutMs: number): Promise<void> {
    const { failed } = await this.#unload([entry], planFrom({ timeoutMs }));
    for (const { error } of failed) throw error;
  }

  async #unload(entries: readonly Registered[], plan: UnloadPlan): Promise<UnloadSummary> {
    const startedAt = performance.now();
    const outcome = await unloadScheduled(entries, plan);
    for (const entry of outcome.unloaded.keys()) {
      // Unless another took its name in the meantime.
      if (this.#entries.get(entry.name)?.unloadable === entry.unloadable) this.remove(entry.name);
    }
    for (const failure of outcome.failed) this.#failed.set(failure.name, failure);
    const unloaded = [...outcome.unloaded.values()];
    const { failed } = outcome;
    return {
      unloaded,
      failed,
      freedBytes:
        sum(unloaded.map((result) => result.freedBytes)) +
        sum(failed.map((failure) => failure.freedBytes ?? 0)),
      durationMs: performance.now() - startedAt,
    };
  }
}

/** What cannot be registered must not stay loaded without an owner. */
async function discard(loaded: Unloadable): Promise<void> {
  await unloadWithin(loaded, {
    name: String((loaded as Partial<Unloadable> | undefined)?.name),
    limitMs: DEFAULT_TIMEOUT_MS,
    signal: undefined,
    onProgress: undefined,
    held: () => undefined,
  }).catch(() => undefined);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

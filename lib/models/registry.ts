/** A set of unloadables: all of them unloaded, the idle ones, or those that make room for others. */

import { expected } from '../common/expected.js';
import { notify } from '../common/notify.js';
import {
  nonEmptyString,
  optionalFunction,
  optionsObject,
  positiveMs,
  requiredBytes,
  requiredMs,
} from '../common/options.js';
import { deviceIndex } from '../cuda/device.js';
import { type BudgetOf, checkBudget } from './budget.js';
import { watchIdle } from './idle.js';
import type { Model } from './model.js';
import {
  type AddOptions,
  type AdmitOptions,
  DEFAULT_TIMEOUT_MS,
  type IdleOptions,
  planFrom,
  type RegistryOptions,
  type UnloadAllOptions,
  type UnloadSummary,
} from './registry-options.js';
import { Room } from './room.js';
import { deviceOf, type Registered } from './schedule-nodes.js';
import { type FailedUnload, unloadScheduled, type UnloadPlan } from './unload-all.js';
import { unloadWithin } from './unload-within.js';
import type { Unloadable } from './unloadable.js';

export type {
  AddOptions,
  AdmitOptions,
  IdleOptions,
  RegistryOptions,
  UnloadAllOptions,
  UnloadSummary,
} from './registry-options.js';

/** Object lifetime. What was unloaded leaves the registry; what failed stays, to be tried again. */
export class ModelRegistry {
  readonly #entries = new Map<string, Registered>();
  readonly #failed = new Map<string, FailedUnload>();
  /** What those that are being loaded depend on. */
  readonly #awaited = new Set<readonly string[]>();
  readonly #budget: BudgetOf;
  readonly #room = new Room({
    on: (device) => [...this.#entries.values()].filter((entry) => entry.device === device),
    dependents: (entry) => this.#dependents(entry),
    isAwaited: (entry) => this.#isAwaited(entry),
    unload: (entry, timeoutMs) => this.#makeWay(entry, timeoutMs),
  });

  /** @throws TypeError, RangeError for a budget that is none */
  constructor(options?: RegistryOptions) {
    this.#budget = checkBudget(optionsObject(options, ['budget']).budget);
  }

  /**
   * @throws TypeError for what cannot be unloaded; RangeError for a name that is taken, and for a
   * dependency that is not registered, or depends on it.
   */
  add(unloadable: Unloadable | Model, options?: AddOptions): this {
    this.#register(unloadable, options, { device: undefined, admittedBytes: 0 });
    return this;
  }

  #register(
    unloadable: Unloadable | Model,
    options: AddOptions | undefined,
    { device, admittedBytes }: Pick<Registered, 'device' | 'admittedBytes'>,
  ): void {
    const shape = unloadable as Partial<Unloadable> | null | undefined;
    if (typeof shape?.unload !== 'function') {
      throw new TypeError(
        expected(
          'what is registered',
          'a model, or an object with a name and unload()',
          unloadable,
        ),
      );
    }
    const name = nonEmptyString('the name of what is registered', shape.name);
    if (this.#entries.has(name)) {
      throw new RangeError(expected('the name of what is registered', 'new', name));
    }
    const dependsOn = this.#dependencies(optionsObject(options, ['dependsOn']).dependsOn);
    // What is new can close a cycle where another of its name was removed.
    for (const dependency of dependsOn) {
      if (!this.#needs(dependency, name)) continue;
      const toBe = `of what does not depend on ${name}`;
      throw new RangeError(expected('each name in `dependsOn`', toBe, dependency));
    }
    this.#entries.set(name, {
      name,
      unloadable,
      dependsOn,
      device: deviceOf(unloadable) ?? device,
      admittedBytes,
    });
  }

  /** Forgets it without unloading it. True if it was there. */
  remove(name: string): boolean {
    this.#failed.delete(name);
    return this.#entries.delete(name);
  }

  get(name: string): Unloadable | undefined {
    return this.#entries.get(name)?.unloadable;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The unloads that failed and have not succeeded since, each with its error. */
  get failed(): readonly FailedUnload[] {
    return [...this.#failed.values()];
  }

  /**
   * Unloads everything: device by device side by side, within a device one after the other, the
   * largest first, and what others depend on behind those. A failure is recorded and the others go on,
   * so this rejects only for bad options: after an abort of `signal`, what was not unloaded is among the
   * failed.
   */
  async unloadAll(options?: UnloadAllOptions): Promise<UnloadSummary> {
    return this.#unload([...this.#entries.values()], planFrom(options));
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
    const entries = (): Iterable<Registered> => this.#entries.values();
    const isNeeded = (entry: Registered): boolean =>
      this.#dependents(entry).length > 0 || this.#isAwaited(entry);
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
   * at the same time share the room.
   *
   * @throws TypeError, RangeError; ModelBudgetError when there is no room to be made; what `load` throws
   */
  async admit<T extends Unloadable>(options: AdmitOptions, load: () => Promise<T>): Promise<T> {
    const given = optionsObject(options, ['bytes', 'device', 'dependsOn', 'timeoutMs']);
    const device = deviceIndex(given.device);
    const bytes = requiredBytes('bytes', given.bytes);
    const timeoutMs = positiveMs('timeoutMs', given.timeoutMs, DEFAULT_TIMEOUT_MS);
    const dependsOn = this.#dependencies(given.dependsOn);
    const budgetBytes = this.#budget(device);
    const room = { device, bytes, budgetBytes, timeoutMs };
    this.#awaited.add(dependsOn);
    let giveBack: (() => void) | undefined;
    try {
      giveBack = budgetBytes === Infinity ? undefined : await this.#room.take(room);
      const loaded = await load();
      try {
        // In one turn with giving back the room: nobody counts it twice.
        this.#register(loaded, { dependsOn }, { device, admittedBytes: bytes });
      } catch (error) {
        await discard(loaded);
        throw error;
      }
      return loaded;
    } finally {
      giveBack?.();
      this.#awaited.delete(dependsOn);
    }
  }

  #dependencies(names: AddOptions['dependsOn']): readonly string[] {
    if (names === undefined) return [];
    if (!Array.isArray(names)) {
      throw new TypeError(expected('the `dependsOn` option', 'an array of names', names));
    }
    for (const name of names as readonly unknown[]) {
      if (typeof name === 'string' && this.#entries.has(name)) continue;
      throw new RangeError(expected('each name in `dependsOn`', 'registered before', name));
    }
    return [...(names as readonly string[])];
  }

  #dependents({ name }: Registered): readonly Registered[] {
    return [...this.#entries.values()].filter(({ dependsOn }) => dependsOn.includes(name));
  }

  #isAwaited({ name }: Registered): boolean {
    return [...this.#awaited].some((dependsOn) => dependsOn.includes(name));
  }

  /** Whether `name` depends on `other`, be it through others. */
  #needs(name: string, other: string): boolean {
    const { dependsOn = [] } = this.#entries.get(name) ?? {};
    return dependsOn.some((next) => next === other || this.#needs(next, other));
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
    onProgress: () => undefined,
  }).catch(() => undefined);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

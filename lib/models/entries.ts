/** The entries of a registry, by their names, and what depends on what. */

import { expected } from '../common/expected.js';
import { nonEmptyString, optionsObject } from '../common/options.js';
import { isGone } from './budget.js';
import type { Model } from './model.js';
import type { AddOptions } from './registry-options.js';
import { type Admitted, deviceOf, type Registered } from './schedule-nodes.js';
import type { Unloadable } from './unloadable.js';

/** Object lifetime: that of its registry. */
export class Entries {
  readonly #entries = new Map<string, Registered>();
  readonly #onRemoved: (name: string) => void;

  constructor(onRemoved: (name: string) => void) {
    this.#onRemoved = onRemoved;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Also those that have been unloaded by their own `unload()`: `unloadAll()` tells of them. */
  all(): readonly Registered[] {
    return [...this.#entries.values()];
  }

  get(name: string): Registered | undefined {
    return this.#entries.get(name);
  }

  remove(name: string): boolean {
    this.#onRemoved(name);
    return this.#entries.delete(name);
  }

  /** @throws TypeError for what cannot be unloaded; RangeError for a name or a dependency */
  add(
    unloadable: Unloadable | Model,
    options: AddOptions | undefined,
    { device, admittedBytes, admittedByDevice }: Partial<Admitted>,
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
    if (this.present().some((entry) => entry.name === name)) {
      throw new RangeError(expected('the name of what is registered', 'new', name));
    }
    const dependsOn = this.dependencies(optionsObject(options, ['dependsOn']).dependsOn);
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
      admittedBytes: admittedBytes ?? 0,
      admittedByDevice,
    });
  }

  /** What has been unloaded by its own `unload()` is forgotten first. */
  present(): readonly Registered[] {
    for (const entry of [...this.#entries.values()]) if (isGone(entry)) this.remove(entry.name);
    return [...this.#entries.values()];
  }

  /** @throws TypeError, RangeError */
  dependencies(names: AddOptions['dependsOn']): readonly string[] {
    if (names === undefined) return [];
    this.present();
    if (!Array.isArray(names)) {
      throw new TypeError(expected('the `dependsOn` option', 'an array of names', names));
    }
    for (const name of names as readonly unknown[]) {
      if (typeof name === 'string' && this.#entries.has(name)) continue;
      throw new RangeError(expected('each name in `dependsOn`', 'registered before', name));
    }
    return [...(names as readonly string[])];
  }

  dependents({ name }: Registered): readonly Registered[] {
    return [...this.#entries.values()].filter(({ dependsOn }) => dependsOn.includes(name));
  }

  /** Whether `name` depends on `other`, be it through others. */
  #needs(name: string, other: string): boolean {
    const { dependsOn = [] } = this.#entries.get(name) ?? {};
    return dependsOn.some((next) => next === other || this.#needs(next, other));
  }
}

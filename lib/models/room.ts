/** The room on each device that has a budget: who has taken what of it, and who makes way. */

import { ModelBudgetError, toError } from '../common/errors.js';
import { formatBytes } from '../common/format.js';
import { lastUseOf } from './idle.js';
import { bytesOn } from './budget.js';
import type { Registered } from './schedule-nodes.js';

/** Room on one device. */
export interface Need {
  readonly device: number;
  readonly bytes: number;
  readonly budgetBytes: number;
}

export interface Request {
  /** One for each device. */
  readonly needs: readonly Need[];
  /** For each unload that makes room. */
  readonly timeoutMs: number;
}

export interface Tenants {
  /** Those of the device, as they are at this moment. */
  on(device: number): readonly Registered[];
  /** What is registered and depends on it, on whatever device. */
  dependents(entry: Registered): readonly Registered[];
  /** Whether something that is being loaded depends on it. */
  isAwaited(entry: Registered): boolean;
  /** @throws (rejects with) what the unload of `entry` fails with */
  unload(entry: Registered, timeoutMs: number): Promise<void>;
}

/** Object lifetime: that of its registry. */
export class Room {
  readonly #tenants: Tenants;
  /** Bytes promised to those that are loading, by device. */
  readonly #promised = new Map<number, number>();
  /** The last of those that make room on a device: one after the other, or each would count the same. */
  readonly #turns = new Map<number, Promise<unknown>>();

  constructor(tenants: Tenants) {
    this.#tenants = tenants;
  }

  /**
   * Unloads what was not used for longest until what is asked for is within the budget of each device,
   * and keeps that for the caller until the answered function is called. What holds a lease, or does not
   * tell, stays.
   *
   * @throws (rejects with) ModelBudgetError when that cannot be enough: nothing was unloaded then,
   * unless a model was taken into use, or failed to unload, meanwhile
   */
  async take(request: Request): Promise<() => void> {
    const { needs } = request;
    // In the lines of all of its devices at once: two that share some can never wait for each other.
    const before = Promise.all(
      needs.map(({ device }) => this.#turns.get(device) ?? Promise.resolve()),
    );
    const turn = before.then(async () => {
      await this.#make(request);
      for (const { device, bytes } of needs) this.#promise(device, bytes);
    });
    const ended = turn.catch(() => undefined);
    for (const { device } of needs) this.#turns.set(device, ended);
    await turn;
    return () => {
      for (const { device, bytes } of needs) this.#promise(device, -bytes);
    };
  }

  async #make({ needs, timeoutMs }: Request): Promise<void> {
    const failed = new Map<Registered, Error>();
    for (;;) {
      const lacking = needs
        .map((need) => this.#look(need, failed))
        .filter(({ missing }) => missing > 0);
      for (const { need, missing, removable } of lacking) {
        const beyond = missing - sum(need.device, removable);
        if (beyond > 0) throw budgetError(need, beyond, [...failed.values()]);
      }
      const longest = lacking[0]?.removable
        .filter((one) => this.#tenants.dependents(one).length === 0)
        .sort((a, b) => (lastUseOf(a) ?? 0) - (lastUseOf(b) ?? 0))[0];
      if (longest === undefined) return;
      await this.#tenants.unload(longest, timeoutMs).catch((error: unknown) => {
        failed.set(longest, toError(error));
      });
    }
  }

  /** What is missing on a device, and what could make way there. */
  #look(need: Need, failed: ReadonlyMap<Registered, Error>) {
    const { device, bytes, budgetBytes } = need;
    const tenants = this.#tenants.on(device);
    const missing = this.#held(device, tenants) + bytes - budgetBytes;
    const removable = this.#removable(tenants.filter((one) => !failed.has(one)));
    return { need, missing, removable };
  }

  /** Those that are idle, and so is all that depends on them. */
  #removable(tenants: readonly Registered[]): readonly Registered[] {
    const found = new Set(
      tenants.filter((one) => lastUseOf(one) !== undefined && !this.#tenants.isAwaited(one)),
    );
    for (let size = -1; size !== found.size;) {
      size = found.size;
      for (const one of found) {
        if (this.#tenants.dependents(one).some((other) => !found.has(other))) found.delete(one);
      }
    }
    return [...found];
  }

  #held(device: number, tenants: readonly Registered[]): number {
    return sum(device, tenants) + (this.#promised.get(device) ?? 0);
  }

  #promise(device: number, bytes: number): void {
    this.#promised.set(device, (this.#promised.get(device) ?? 0) + bytes);
  }
}

function sum(device: number, entries: readonly Registered[]): number {
  return entries.reduce((total, entry) => total + (bytesOn(entry, device) ?? 0), 0);
}

function budgetError(need: Need, missingBytes: number, errors: readonly Error[]): Error {
  const { device, bytes, budgetBytes } = need;
  const message =
    `Expected ${formatBytes(bytes)} more to be within the budget of device ${device}, ` +
    `${formatBytes(budgetBytes)}: ${formatBytes(missingBytes)} are missing, as the other models ` +
    'are in use or cannot be unloaded';
  const cause = errors.length > 1 ? new AggregateError(errors) : errors[0];
  const details = { device, bytes, budgetBytes, missingBytes };
  return new ModelBudgetError(message, details, cause === undefined ? undefined : { cause });
}

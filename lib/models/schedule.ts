/**
 * Which unload comes next: a device is a lane, because its thread frees one model at a time, and what
 * is on no device is a lane of its own. What others depend on comes behind them, else the largest first.
 */

import type { Unloadable } from './unloadable.js';

/** One entry of a registry. */
export interface Registered {
  readonly name: string;
  readonly unloadable: Unloadable;
  /** The names of what it needs while it is loaded: those are unloaded after it. */
  readonly dependsOn: readonly string[];
  /** Where it counts for a budget; undefined where that is not known. */
  readonly device: number | undefined;
  /** What it counts for in a budget where it does not tell its bytes. */
  readonly admittedBytes: number;
}

interface Node {
  readonly entry: Registered;
  readonly lanes: readonly unknown[];
  /** What has to be unloaded, or has to have failed to be, before it. */
  readonly dependents: Set<Node>;
  readonly dependencies: Node[];
}

/** One unload that has begun. */
export interface Turn {
  readonly entry: Registered;
  /**
   * How many must share the time that is left, one behind the other, this one included: those of its
   * lane, those that wait for it, or all of them, so many at a time.
   */
  readonly toGo: number;
  /** To be called when it has ended, however. */
  end(): void;
}

/** Lives as long as one unloadAll. */
export class Schedule {
  /** The largest first. */
  readonly #waiting: Node[];
  readonly #busyLanes = new Set<unknown>();
  readonly #concurrency: number;

  constructor(entries: readonly Registered[], concurrency: number) {
    this.#concurrency = concurrency;
    const sizes = new Map(entries.map(({ unloadable }) => [unloadable, sizeOf(unloadable)]));
    const size = ({ entry }: Node): number => sizes.get(entry.unloadable) ?? 0;
    this.#waiting = linked(entries).sort((a, b) => size(b) - size(a));
  }

  /** Begins the next one whose turn it is; undefined while there is none. */
  begin(): Turn | undefined {
    const index = this.#waiting.findIndex(
      ({ lanes, dependents }) =>
        dependents.size === 0 && !lanes.some((lane) => this.#busyLanes.has(lane)),
    );
    const node = this.#waiting[index];
    if (node === undefined) return undefined;
    const toGo = this.#toGo(node);
    this.#waiting.splice(index, 1);
    for (const lane of node.lanes) this.#busyLanes.add(lane);
    return {
      entry: node.entry,
      toGo,
      end: () => {
        for (const lane of node.lanes) this.#busyLanes.delete(lane);
        for (const { dependents } of node.dependencies) dependents.delete(node);
      },
    };
  }

  #toGo(node: Node): number {
    const lanes = new Set(this.#waiting.flatMap((each) => each.lanes)).size;
    const sameLane = this.#waiting.filter((each) =>
      each.lanes.some((lane) => node.lanes.includes(lane)),
    ).length;
    const all = this.#waiting.length / Math.min(this.#concurrency, lanes);
    return Math.max(sameLane, all, chain(node));
  }
}

function linked(entries: readonly Registered[]): Node[] {
  const nodes = entries.map((entry): Node => ({
    entry,
    lanes: lanesOf(entry.unloadable),
    dependents: new Set(),
    dependencies: [],
  }));
  const byName = new Map(nodes.map((node) => [node.entry.name, node]));
  for (const node of nodes) {
    for (const name of node.entry.dependsOn) {
      // What has been unloaded or removed before is nothing to wait for.
      const dependency = byName.get(name);
      if (dependency === undefined) continue;
      dependency.dependents.add(node);
      node.dependencies.push(dependency);
    }
  }
  return nodes;
}

/** The longest chain of what waits for `node`, itself included. */
function chain(node: Node, known = new Map<Node, number>()): number {
  const before = known.get(node);
  if (before !== undefined) return before;
  const length = 1 + Math.max(0, ...node.dependencies.map((next) => chain(next, known)));
  known.set(node, length);
  return length;
}

/** 0 where it is not told. A getter that throws must not keep the others from being unloaded. */
export function sizeOf(unloadable: Unloadable): number {
  try {
    const { bytes } = unloadable;
    return typeof bytes === 'number' && bytes > 0 ? bytes : 0;
  } catch {
    return 0;
  }
}

function lanesOf(unloadable: Unloadable): readonly unknown[] {
  const devices = devicesOf(unloadable);
  return devices.length === 0 ? [unloadable] : devices;
}

function devicesOf(unloadable: object): readonly number[] {
  try {
    const { devices } = unloadable as { devices?: unknown };
    if (Array.isArray(devices)) return devices.filter((index) => typeof index === 'number');
  } catch {
    return [];
  }
  const device = deviceOf(unloadable);
  return device === undefined ? [] : [device];
}

/** The index of the device that it is on, or the first of them, as models tell. */
export function deviceOf(unloadable: object): number | undefined {
  try {
    const { device } = unloadable as { device?: unknown };
    return typeof device === 'number' ? device : undefined;
  } catch {
    return undefined;
  }
}

/** What a schedule orders: each entry with the lanes that it is in, and what it waits for. */

import type { Unloadable } from './unloadable.js';

/** One entry of a registry. */
export interface Registered extends Omit<Admitted, 'device'> {
  readonly name: string;
  readonly unloadable: Unloadable;
  /** The names of what it needs while it is loaded: those are unloaded after it. */
  readonly dependsOn: readonly string[];
  /** Where it counts for a budget; undefined where that is not known. */
  readonly device: number | undefined;
}

/** What counts for the budgets, of what does not tell. */
export interface Admitted {
  readonly device: number;
  readonly admittedBytes: number;
  /** Of one that was admitted for several devices. */
  readonly admittedByDevice?: ReadonlyMap<number, number> | undefined;
}

export interface Lane {
  /** The largest first. */
  readonly waiting: Set<Node>;
  /** Begun and not ended, in this order. */
  readonly line: Set<Node>;
  /** How many have not been the first of the line yet. */
  toGo: number;
}

export interface Node {
  readonly entry: Registered;
  readonly lanes: readonly Lane[];
  readonly queues: boolean;
  /** By size: the largest is 0. */
  readonly rank: number;
  /** What has to be unloaded, or has to have failed to be, before it. */
  readonly dependents: Set<Node>;
  readonly dependencies: Node[];
  /** Whether another may queue behind it. */
  handedOver: boolean;
  /** While it is in line behind another: what it has to be told. */
  first?: ((toGo: number) => void) | undefined;
  toGo: number | undefined;
}

/** The largest first. */
export function linked(
  entries: readonly Registered[],
  queues: (unloadable: Unloadable) => boolean,
): readonly Node[] {
  const lanes = new Map<unknown, Lane>();
  const laneOf = (key: unknown): Lane => {
    const lane = lanes.get(key) ?? { waiting: new Set(), line: new Set(), toGo: 0 };
    lanes.set(key, lane);
    return lane;
  };
  const sizes = new Map(entries.map(({ unloadable }) => [unloadable, sizeOf(unloadable)]));
  const size = ({ unloadable }: Registered): number => sizes.get(unloadable) ?? 0;
  const nodes = entries
    .toSorted((a, b) => size(b) - size(a))
    .map((entry, rank): Node => {
      const own = lanesOf(entry.unloadable).map(laneOf);
      return {
        entry,
        lanes: own,
        // On several devices it waits until all of them are free.
        queues: own.length === 1 && queues(entry.unloadable),
        rank,
        dependents: new Set(),
        dependencies: [],
        handedOver: false,
        toGo: undefined,
      };
    });
  const byName = new Map(nodes.map((node) => [node.entry.name, node]));
  for (const node of nodes) {
    for (const lane of node.lanes) {
      lane.waiting.add(node);
      lane.toGo += 1;
    }
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

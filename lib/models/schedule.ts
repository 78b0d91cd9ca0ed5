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
}

interface Node {
  readonly entry: Registered;
  readonly lane: unknown;
  /** What has to be unloaded, or has to have failed to be, before it. */
  readonly dependents: Set<Node>;
  readonly dependencies: Node[];
}

/** Lives as long as one unloadAll. */
export class Schedule {
  /** The largest first. */
  readonly #waiting: Node[];
  readonly #running = new Map<Registered, Node>();

  constructor(entries: readonly Registered[]) {
    const sizes = new Map(entries.map((entry) => [entry, sizeOf(entry.unloadable)]));
    const size = (node: Node): number => sizes.get(node.entry) ?? 0;
    this.#waiting = linked(entries).sort((a, b) => size(b) - size(a));
  }

  /** Begins the next one whose turn it is; undefined while there is none. */
  begin(): Registered | undefined {
    const busy = new Set([...this.#running.values()].map(({ lane }) => lane));
    const index = this.#waiting.findIndex((node) => !busy.has(node.lane) && isFree(node));
    const [node] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (node === undefined) return undefined;
    this.#running.set(node.entry, node);
    return node.entry;
  }

  ended(entry: Registered): void {
    const node = this.#running.get(entry);
    this.#running.delete(entry);
    for (const dependency of node?.dependencies ?? []) dependency.dependents.delete(node!);
  }

  /**
   * How many must share the time that is left, one behind the other, from `entry` on, which has begun:
   * those of its lane, those that wait for it, or all, over `concurrency` at a time.
   */
  toGo(entry: Registered, concurrency: number): number {
    const node = this.#running.get(entry)!;
    const all = [...this.#waiting, node];
    const lanes = new Set(all.map(({ lane }) => lane)).size;
    const sameLane = all.filter(({ lane }) => lane === node.lane).length;
    return Math.max(sameLane, all.length / Math.min(concurrency, lanes), chain(node));
  }
}

function linked(entries: readonly Registered[]): Node[] {
  const nodes = entries.map((entry): Node => ({
    entry,
    lane: laneOf(entry.unloadable),
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

function isFree({ dependents }: Node): boolean {
  return dependents.size === 0;
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
    return Number(unloadable.bytes ?? 0) || 0;
  } catch {
    return 0;
  }
}

function laneOf(unloadable: Unloadable): unknown {
  try {
    return deviceOf(unloadable) ?? unloadable;
  } catch {
    return unloadable;
  }
}

export function deviceOf(unloadable: object): number | undefined {
  const { device } = unloadable as { device?: unknown };
  return typeof device === 'number' ? device : undefined;
}

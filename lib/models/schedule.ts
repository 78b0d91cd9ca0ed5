/**
 * Which unload comes next: a device is a lane, because its thread frees one model at a time, and what
 * is on no device is a lane of its own. What others depend on comes behind them, else the largest first.
 *
 * What can queue on its device, as models do, begins while those before it are being freed, so that the
 * device's thread never waits for JavaScript: it is then in the line of its lane, and its time counts
 * from when it is the first there.
 */

import { type Lane, linked, type Node, type Registered } from './schedule-nodes.js';
import type { Unloadable } from './unloadable.js';

/** One unload that has begun. */
export interface Turn {
  readonly entry: Registered;
  /**
   * How many must share the time that is left, one behind the other, this one included: those of its
   * lane, those that wait for it, or all of them, so many at a time. Undefined while another of its
   * lane is before it.
   */
  readonly toGo: number | undefined;
  /** From now on its device has it, and another that queues there may begin. */
  handOver(): void;
  /**
   * Calls `first` once nothing of its lane is before it, at once where that is so: its time begins.
   */
  whenFirst(first: (toGo: number) => void): void;
  /** To be called when it has ended, however. */
  end(): void;
}

/** Enough for a device to have work while JavaScript hears of what it has done. */
const LONGEST_LINE = 16;

/** Lives as long as one unloadAll. */
export class Schedule {
  /** Those where one may begin; the others are looked at again when something of theirs has ended. */
  readonly #open: Set<Lane>;
  readonly #concurrency: number;
  readonly #chains = new Map<Node, number>();
  /** How many are the first of their line. */
  #running = 0;
  #toGo: number;
  #lanesToGo: number;

  /** @param queues Whether it calls `handOver()`, and bears to begin before it is the first. */
  constructor(
    entries: readonly Registered[],
    concurrency: number,
    queues: (unloadable: Unloadable) => boolean,
  ) {
    this.#concurrency = concurrency;
    const nodes = linked(entries, queues);
    this.#open = new Set(nodes.flatMap(({ lanes }) => lanes));
    this.#toGo = nodes.length;
    this.#lanesToGo = this.#open.size;
  }

  /** Begins the next one whose turn it is; undefined while there is none. */
  begin(): Turn | undefined {
    let next: Node | undefined;
    for (const lane of this.#open) {
      if (lane.line.size === 0 && this.#running >= this.#concurrency) continue;
      const node = nextOf(lane);
      if (node === undefined) this.#open.delete(lane);
      else if (next === undefined || node.rank < next.rank) next = node;
    }
    return next === undefined ? undefined : this.#turn(next);
  }

  #turn(node: Node): Turn {
    const isFirst = node.lanes.every(isFree);
    const toGo = isFirst ? this.#goes(node) : undefined;
    node.toGo = toGo;
    for (const { waiting, line } of node.lanes) {
      waiting.delete(node);
      line.add(node);
    }
    if (isFirst) this.#running += 1;
    return {
      entry: node.entry,
      toGo,
      handOver: () => {
        node.handedOver = true;
        this.#reopen(node);
      },
      whenFirst: (first) => {
        if (node.toGo === undefined) node.first = first;
        else first(node.toGo);
      },
      end: () => {
        this.#end(node);
      },
    };
  }

  #end(node: Node): void {
    // It may have ended before it was the first: it was unloaded already, or given up.
    if (node.toGo === undefined) this.#goes(node);
    else this.#running -= 1;
    for (const { line } of node.lanes) line.delete(node);
    this.#reopen(node);
    for (const dependency of node.dependencies) {
      dependency.dependents.delete(node);
      this.#reopen(dependency);
    }
    for (const { line } of node.lanes) this.#advance(line);
  }

  #advance(line: Set<Node>): void {
    const [first] = line;
    if (first === undefined || first.toGo !== undefined) return;
    this.#running += 1;
    first.toGo = this.#goes(first);
    first.first?.(first.toGo);
  }

  #reopen({ lanes }: Node): void {
    for (const lane of lanes) this.#open.add(lane);
  }

  /** No longer one of those to go; answers how many had to share the time with it. */
  #goes(node: Node): number {
    const all = this.#toGo / Math.min(this.#concurrency, this.#lanesToGo);
    const toGo = Math.max(sameLane(node), all, this.#chain(node));
    this.#toGo -= 1;
    for (const lane of node.lanes) {
      lane.toGo -= 1;
      if (lane.toGo === 0) this.#lanesToGo -= 1;
    }
    return toGo;
  }

  /** The longest chain of what waits for `node`, itself included. */
  #chain(node: Node): number {
    const before = this.#chains.get(node);
    if (before !== undefined) return before;
    const length = 1 + Math.max(0, ...node.dependencies.map((next) => this.#chain(next)));
    this.#chains.set(node, length);
    return length;
  }
}

function isFree({ line }: Lane): boolean {
  return line.size === 0;
}

/** What would begin in this lane now: in a line only what queues, and never past what does not. */
function nextOf({ waiting, line }: Lane): Node | undefined {
  for (const node of waiting) {
    if (node.dependents.size > 0) continue;
    if (node.lanes.every(isFree)) return node;
    if (line.size === 0) continue;
    return node.queues && hasRoom(line) ? node : undefined;
  }
  return undefined;
}

function hasRoom(line: ReadonlySet<Node>): boolean {
  if (line.size >= LONGEST_LINE) return false;
  for (const { handedOver } of line) if (!handedOver) return false;
  return true;
}

function sameLane({ lanes }: Node): number {
  const [lane, ...others] = lanes;
  if (lane === undefined || others.length === 0) return lane?.toGo ?? 1;
  return new Set(lanes.flatMap(({ waiting }) => [...waiting])).size;
}

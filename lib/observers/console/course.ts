/** What runs at this moment, as the events tell it. Lives as long as its console. */

import type { BeginEvent, ProgressEvent, ProgressItem, StepEvent } from '../../shutdown/events.js';

/** An item with its place in the order of changes. */
export interface CourseItem extends ProgressItem {
  /** Grows with every change of its state. */
  readonly changed: number;
}

export interface RunningStep {
  readonly name: string;
  /** Here and below: in the time of `performance.now()`. */
  readonly startedAt: number;
  /** The last that it has said of itself. */
  readonly note: string;
  readonly bytes?: { readonly done: number; readonly total: number };
  /** When the bytes last changed. */
  readonly movedAt: number;
  readonly done: number;
  readonly total?: number;
  readonly items: ReadonlyMap<string, CourseItem>;
}

export class Course {
  readonly #running = new Map<string, RunningStep>();
  #changes = 0;
  /** When the shutdown began, and when it ends at the latest. */
  beganAt = 0;
  endsAt = 0;
  /** Until then the service stays at work. */
  worksUntil = 0;
  reason = '';

  get running(): readonly RunningStep[] {
    return [...this.#running.values()];
  }

  /** The last that a running step has said of itself. */
  noteOf(name: string): string | undefined {
    return this.#running.get(name)?.note;
  }

  begin({ startedAt, timeoutMs, delayMs, reason }: BeginEvent): void {
    this.beganAt = performance.now() - (Date.now() - startedAt.getTime());
    this.endsAt = this.beganAt + timeoutMs;
    this.worksUntil = this.beganAt + delayMs;
    this.reason = reason;
  }

  step({ name, startMs, status }: StepEvent): void {
    this.worksUntil = 0;
    if (status !== 'running') {
      this.#running.delete(name);
      return;
    }
    const startedAt = this.beganAt + startMs;
    const items = new Map<string, CourseItem>();
    this.#running.set(name, { name, startedAt, note: '', movedAt: startedAt, done: 0, items });
  }

  progress({ name, done, total, text, bytes, item }: ProgressEvent): void {
    const step = this.#running.get(name);
    if (step === undefined) return;
    const moved = bytes !== undefined && bytes.done !== step.bytes?.done;
    const known = { ...step, ...(bytes === undefined ? {} : { bytes }) };
    this.#running.set(name, {
      ...known,
      note: text ?? (total === undefined ? `${done}` : `${done}/${total}`),
      movedAt: moved ? performance.now() : step.movedAt,
      done,
      ...(total === undefined ? {} : { total }),
      items: item === undefined ? step.items : this.#with(step.items, item),
    });
  }

  end(): void {
    this.#running.clear();
    this.worksUntil = 0;
  }

  /** The same map, as copies of it would cost more the more there is. */
  #with(
    items: ReadonlyMap<string, CourseItem>,
    item: ProgressItem,
  ): ReadonlyMap<string, CourseItem> {
    const before = items.get(item.name);
    const same = before?.state === item.state;
    const changed = same ? before.changed : (this.#changes += 1);
    (items as Map<string, CourseItem>).set(item.name, { ...item, changed });
    return items;
  }
}

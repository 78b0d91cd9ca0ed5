/** The axis of time that bars and memory share: pure. */

import type { Course } from '../course/course.js';
import { largest } from '../course/values.js';

export interface Axis {
  /** Where it ends, in milliseconds from the beginning of the shutdown. */
  readonly endMs: number;
  /** The deadline where that is on it, else the last moment that is known. */
  readonly lastMs: number;
  readonly ticks: readonly number[];
  /** Whether the deadline lies on it; where it is far behind the end it does not. */
  readonly hasDeadline: boolean;
  /** Where a moment lies, in percent. */
  readonly at: (ms: number) => number;
}

/** Beyond this many times the duration, a deadline on the axis would leave the bars no room. */
const FARTHEST_DEADLINE = 2;

const TICKS = 6;

export function axisOf({ durationMs, timeoutMs, steps, models, devices }: Course): Axis {
  const ends = [
    durationMs,
    ...steps.map(({ endMs = 0 }) => endMs),
    ...models.map(({ startMs = 0, durationMs: took }) => startMs + took),
    ...devices.map(({ held }) => held.at(-1)?.atMs ?? 0),
  ];
  const knownMs = largest(ends, 1);
  const hasDeadline = timeoutMs !== undefined && timeoutMs <= knownMs * FARTHEST_DEADLINE;
  const lastMs = hasDeadline ? Math.max(knownMs, timeoutMs) : knownMs;
  const endMs = lastMs * 1.02;
  return {
    endMs,
    lastMs,
    ticks: ticksUpTo(endMs),
    hasDeadline,
    at: (ms) => Math.round(Math.min(1, Math.max(0, ms / endMs)) * 100_000) / 1000,
  };
}

/** Round numbers: 1, 2 or 5 times a power of ten apart. */
function ticksUpTo(endMs: number): readonly number[] {
  const rough = endMs / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough;
  const count = Math.floor(endMs / step);
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

/** `0`, `200 ms`, `1.5 s`, `1:30 min`: in the same unit for all ticks of an axis. */
export function tickText(ms: number, { endMs }: Axis): string {
  if (ms === 0) return '0';
  if (endMs < 2000) return `${trimmed(ms)} ms`;
  if (endMs < 180_000) return `${trimmed(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`;
}

function trimmed(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

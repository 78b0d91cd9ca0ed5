/** How the time of a shutdown is shared among its steps: pure. Times are ms from its beginning. */

import type { Plan } from './plan.js';

export interface Budget {
  /** When the steps must have ended, so that report, flush and exit still fit. */
  readonly endMs: number;
  /** When a step that starts at `startMs` must have ended. */
  deadline(name: string, startMs: number): number;
}

/** What is kept of `timeoutMs` for the report, the flush of stdout and stderr, and the exit. */
export function marginMs(timeoutMs: number): number {
  return Math.min(250, timeoutMs / 10);
}

/**
 * A step's deadline is the smaller of its own `timeoutMs` and the budget's end less the reserves that
 * must follow it: those of the longest chain of steps behind it, through the phases. When the longest
 * chain of all reserves more than half of the time after `delayMs`, all reserves shrink in proportion
 * to that half.
 */
export function shareTime(plan: Plan, timeoutMs: number, delayMs = 0): Budget {
  const { following, longest } = reserves(plan);
  const scale = Math.min(1, (timeoutMs - delayMs) / 2 / longest);
  const endMs = timeoutMs - marginMs(timeoutMs);
  const own = new Map(plan.map(({ step }) => [step.name, step.timeoutMs]));
  return {
    endMs,
    deadline: (name, startMs) =>
      Math.min(
        startMs + (own.get(name) ?? Infinity),
        endMs - (longest === 0 ? 0 : scale * (following.get(name) ?? 0)),
      ),
  };
}

/** The longest chain of reserves behind each step, and the longest of all, in ms. */
function reserves(plan: Plan): { following: Map<string, number>; longest: number } {
  const following = new Map<string, number>();
  // Walking backwards: what the phases behind the current one, and behind the current step, reserve.
  let behindPhase = 0;
  let longest = 0;
  let phase = plan.at(-1)?.phase;
  for (const entry of [...plan].reverse()) {
    if (entry.phase !== phase) {
      phase = entry.phase;
      behindPhase = longest;
    }
    const { name, reserveMs } = entry.step;
    const behind = Math.max(behindPhase, following.get(name) ?? 0);
    following.set(name, behind);
    longest = Math.max(longest, behind + reserveMs);
    for (const need of entry.needs) {
      following.set(need, Math.max(following.get(need) ?? 0, behind + reserveMs));
    }
  }
  return { following, longest };
}

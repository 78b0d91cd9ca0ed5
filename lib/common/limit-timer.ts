/** A timer for a time limit, which may be longer than Node's timers count, or no limit at all. */

/** Above this, Node's timers fire at once instead. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function limitTimer(ms: number, over: () => void): NodeJS.Timeout | undefined {
  return ms > LONGEST_TIMER_MS ? undefined : setTimeout(over, ms);
}

/** Native work as a promise, with a time limit and an AbortSignal. */

import { AbortError, TimeoutError } from '../common/errors.js';
import type { NativeJob, Settlement } from './addon.js';
import { failureError } from './failures.js';

export interface JobLimits {
  readonly signal?: AbortSignal | undefined;
  /** `Infinity` is no limit. */
  readonly timeoutMs: number;
  /** What errors call the limit, where `timeoutMs` is what was left of it. */
  readonly toldMs?: number;
  /** What the work can be stuck in. Default: a CUDA call. */
  readonly stuckIn?: string;
}

/**
 * @param what Names the work in errors, as `cuda.synchronize on device 0`.
 * @throws AbortError, TimeoutError, and the failure's own error.
 */
export function runJob<T extends Settlement>(
  what: string,
  limits: JobLimits,
  start: (timeoutMs: number, settled: (settlement: T) => void) => NativeJob,
): Promise<T> {
  const { signal, timeoutMs } = limits;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(aborted(what, signal));
      return;
    }
    const cancel = (): void => {
      job.cancel();
    };
    const job = start(timeoutMs, (settlement) => {
      signal?.removeEventListener('abort', cancel);
      if (settlement.outcome === 'done') {
        resolve(settlement);
      } else if (settlement.failure !== undefined) {
        reject(failureError(settlement.failure));
      } else if (signal?.aborted === true) {
        reject(aborted(what, signal, stuck(limits, settlement)));
      } else {
        reject(
          new TimeoutError(timedOut(what, limits.toldMs ?? timeoutMs, stuck(limits, settlement))),
        );
      }
    });
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

function aborted(what: string, signal: AbortSignal, where = ''): AbortError {
  return new AbortError(`${what} was aborted${where}`, { cause: signal.reason });
}

function timedOut(what: string, timeoutMs: number, where: string): string {
  return `Expected ${what} to end within ${timeoutMs} ms, it did not${where}`;
}

function stuck({ stuckIn = 'a CUDA call' }: JobLimits, { outcome }: Settlement): string {
  return outcome === 'stuck' ? `; it is stuck inside ${stuckIn} and was left behind` : '';
}

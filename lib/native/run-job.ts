/** Native work as a promise, with a time limit and an AbortSignal. */

import { AbortError, TimeoutError } from '../common/errors.js';
import type { NativeJob, Settlement } from './addon.js';
import { failureError } from './failures.js';

export interface JobLimits {
  readonly signal?: AbortSignal | undefined;
  /** `Infinity` is no limit. */
  readonly timeoutMs: number;
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
        reject(aborted(what, signal));
      } else {
        reject(new TimeoutError(timedOut(what, timeoutMs, settlement)));
      }
    });
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

function aborted(what: string, signal: AbortSignal): AbortError {
  return new AbortError(`${what} was aborted`, { cause: signal.reason });
}

function timedOut(what: string, timeoutMs: number, settlement: Settlement): string {
  const where =
    settlement.outcome === 'stuck' ? '; it is stuck inside a CUDA call and was left behind' : '';
  return `Expected ${what} to end within ${timeoutMs} ms, it did not${where}`;
}

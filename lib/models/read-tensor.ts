/** From a tensor on a device back to a Buffer. */

import { constants } from 'node:buffer';

import { expected } from '../common/expected.js';
import { optionalSignal, optionsObject, positiveMs } from '../common/options.js';
import type { NativeTensors, Settlement } from '../native/addon.js';
import { type JobLimits, runJob } from '../native/run-job.js';
import type { Lease } from './lease.js';
import type { TensorInfo } from './tensor-info.js';

/** The options of `model.read()`. */
export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds. Default: no limit. */
  readonly timeoutMs?: number;
}

/** Reads the tensor, and releases the lease once nothing of the device's reads any more. */
export type TensorReader = (tensor: TensorInfo, lease: Lease, limits: JobLimits) => Promise<Buffer>;

/** @throws TypeError, RangeError */
export function readerLimits(options: ReadOptions | undefined): JobLimits {
  const given = optionsObject(options, ['signal', 'timeoutMs']);
  return {
    signal: optionalSignal(given.signal),
    timeoutMs: positiveMs('timeoutMs', given.timeoutMs, Infinity),
  };
}

/** @param index the tensor's among those of `native` */
export async function readTensor(
  native: NativeTensors,
  index: number,
  { name, bytes }: TensorInfo,
  lease: Lease,
  limits: JobLimits,
): Promise<Buffer> {
  const what = `reading the tensor ${name}`;
  const job = { begun: false };
  try {
    if (bytes > constants.MAX_LENGTH) {
      const atMost = `at most ${constants.MAX_LENGTH}, what a Buffer holds`;
      throw new RangeError(expected(`the bytes of the tensor ${name}`, atMost, bytes));
    }
    const { data } = await runJob<Settlement & { readonly data?: Buffer }>(
      what,
      limits,
      (timeoutMs, settled) => {
        const begun = native.read(
          index,
          timeoutMs,
          (settlement) => {
            // A thread that is stuck may still read: its lease is released when it comes back.
            if (settlement.outcome !== 'stuck') lease.release();
            settled(settlement);
          },
          () => {
            lease.release();
          },
        );
        job.begun = true;
        return begun;
      },
    );
    if (data === undefined) throw new Error(`${what} ended without data`);
    return data;
  } finally {
    if (!job.begun) lease.release();
  }
}

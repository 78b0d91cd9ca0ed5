/** The addon's failures as error classes: its own errors belong to another realm under some runners. */

import { getSystemErrorName } from 'node:util';

import { CudaError, SafetensorsError, toError } from '../common/errors.js';
import type { NativeFailure } from './addon.js';

export function failureError(failure: NativeFailure): Error {
  switch (failure.kind) {
    case 'cuda':
      return new CudaError(failure.message, failure);
    case 'system':
      return Object.assign(new Error(failure.message), {
        code: getSystemErrorName(-failure.errno),
        errno: -failure.errno,
      });
    case 'truncated':
      return new SafetensorsError(failure.message, 'MetadataIncompleteBuffer');
    case 'internal':
      return new Error(failure.message);
  }
}

/** Runs a synchronous native call and throws its failure as an error of this realm. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    const { failure } = thrown as { failure?: NativeFailure };
    throw failure === undefined ? new Error(toError(thrown).message) : failureError(failure);
  }
}

/** `loadModel`: from safetensors files to a model on one device, or spread over several. */

import { AbortError } from '../common/errors.js';
import { notify } from '../common/notify.js';
import {
  nonEmptyString,
  optionalFunction,
  optionalSignal,
  optionsObject,
  positiveMs,
} from '../common/options.js';
import { availableBackend } from '../native/backend.js';
import type { NativeTensors } from '../native/addon.js';
import { modelDevice, type ModelDevice } from './device-map.js';
import { Model } from './model.js';
import { defaultName, withModelFiles } from './model-files.js';
import { NativeParts } from './native-parts.js';
import { type Part, partsOf, placeParts } from './place-parts.js';
import { readTensor, type TensorReader } from './read-tensor.js';
import { PlacedTensor, type TensorInfo } from './tensor-info.js';

/** How far a load has come. */
export interface LoadProgress {
  /** Bytes that have arrived on their devices. */
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** The options of `loadModel`. */
export interface LoadModelOptions {
  /** Default: the file's name without its extension. */
  readonly name?: string;
  /**
   * Default: the current device, 0. `'auto'` takes the one with the most free memory, for which it
   * creates a context on each. A map spreads the tensors by their names.
   */
  readonly device?: ModelDevice;
  readonly signal?: AbortSignal;
  /** Milliseconds for the reading and copying of the data. Default: no limit. */
  readonly timeoutMs?: number;
  /** At most every 16 ms for each device, and once at the end. */
  readonly onProgress?: (progress: LoadProgress) => void;
}

/**
 * Reads a `.safetensors` file, or the files of a `.safetensors.index.json`, one block a tensor.
 * Whatever goes wrong, everything that was taken is given back before the promise rejects; where
 * that is stuck, the error says so, and it is given back when it comes out of there.
 *
 * @throws SafetensorsError for a file that is not valid, the system's error for one that cannot be read
 * @throws CudaUnavailableError without a device; CudaError, as when its memory is full
 * @throws AbortError when `signal` aborts; TimeoutError
 */
export async function loadModel(path: string, options?: LoadModelOptions): Promise<Model> {
  nonEmptyString('the path of the model', path);
  const known = ['name', 'device', 'signal', 'timeoutMs', 'onProgress'] as const;
  const given = optionsObject(options, known);
  const signal = optionalSignal(given.signal);
  const timeoutMs = positiveMs('timeoutMs', given.timeoutMs, Infinity);
  const onProgress = optionalFunction('onProgress', given.onProgress);
  const name =
    given.name === undefined ? defaultName(path) : nonEmptyString('the `name` option', given.name);
  const assignment = modelDevice(given.device);
  const backend = availableBackend();
  if (signal?.aborted === true) {
    throw new AbortError(`Loading ${path} was aborted before it began`, { cause: signal.reason });
  }

  return withModelFiles(path, async (files) => {
    const parts = partsOf(files, await assignment(backend, signal));
    const totalBytes = parts
      .flatMap(({ tensors }) => tensors)
      .reduce((sum, { bytes }) => sum + bytes, 0);
    const progress = (loadedBytes: number): void => {
      notify(onProgress, { loadedBytes, totalBytes });
    };
    const natives = await placeParts(backend.addon, parts, { signal, timeoutMs }, progress);
    return modelOf(name, parts, natives);
  });
}

function modelOf(name: string, parts: readonly Part[], natives: readonly NativeTensors[]): Model {
  const layouts = parts.map((part) => part.tensors);
  const native = new NativeParts(natives, layouts);
  const tensors = new Map<string, TensorInfo>();
  const readers = new Map<TensorInfo, TensorReader>();
  parts.forEach((part, at) => {
    const from = natives[at];
    part.tensors.forEach((layout, index) => {
      const info = new PlacedTensor(layout, part.device, () => native.pointer(at, index));
      tensors.set(layout.name, info);
      if (from === undefined) return;
      readers.set(info, (...args) => readTensor(from, index, ...args));
    });
  });
  return new Model(name, tensors, native, (tensor, ...rest) => {
    const read = readers.get(tensor);
    if (read === undefined) throw new Error(`The tensor ${tensor.name} is of another model`);
    return read(tensor, ...rest);
  });
}

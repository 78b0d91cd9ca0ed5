/** `loadModel`: from a safetensors file to a model on a device. */

import { open } from 'node:fs/promises';
import { basename } from 'node:path';

import { AbortError } from '../common/errors.js';
import { notify } from '../common/notify.js';
import {
  nonEmptyString,
  optionalFunction,
  optionalSignal,
  optionsObject,
} from '../common/options.js';
import { type Device, deviceIndex } from '../cuda/device.js';
import type { Addon, NativeModel, Settlement } from '../native/addon.js';
import { availableBackend } from '../native/backend.js';
import { runJob } from '../native/run-job.js';
import { Model } from './model.js';
import { readSafetensorsHeader, type TensorLayout } from './safetensors/header.js';
import { tensorInfo } from './tensor-info.js';

export interface LoadProgress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

export interface LoadModelOptions {
  /** Default: the file's name without its extension. */
  readonly name?: string;
  /** Default: the current device, 0. */
  readonly device?: Device;
  readonly signal?: AbortSignal;
  /** At most every 16 ms, and once at the end. */
  readonly onProgress?: (progress: LoadProgress) => void;
}

/**
 * Reads a `.safetensors` file onto a device, one block a tensor. Whatever goes wrong, everything
 * that was taken is given back before the promise rejects.
 *
 * @throws SafetensorsError for a file that is not valid, the system's error for one that cannot be read
 * @throws CudaUnavailableError without a device; CudaError, as when its memory is full
 * @throws AbortError when `signal` aborts
 */
export async function loadModel(path: string, options?: LoadModelOptions): Promise<Model> {
  nonEmptyString('the path of the model', path);
  const given = optionsObject(options, ['name', 'device', 'signal', 'onProgress']);
  const signal = optionalSignal(given.signal);
  const onProgress = optionalFunction('onProgress', given.onProgress);
  const name =
    given.name === undefined
      ? basename(path, '.safetensors')
      : nonEmptyString('the `name` option', given.name);
  const device = deviceIndex(given.device);
  const { addon } = availableBackend();
  if (signal?.aborted === true) {
    throw new AbortError(`Loading ${path} was aborted before it began`, { cause: signal.reason });
  }

  const file = await open(path, 'r');
  try {
    const { tensors } = await readSafetensorsHeader(file, undefined, `\`${path}\``);
    const native = await place(addon, [...tensors.values()], {
      path,
      device,
      fd: file.fd,
      signal,
      onProgress,
    });
    const infos = new Map([...tensors].map(([key, layout]) => [key, tensorInfo(layout)]));
    return new Model(name, infos, native);
  } finally {
    await file.close();
  }
}

interface Placement {
  readonly path: string;
  readonly device: number;
  readonly fd: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: LoadProgress) => void) | undefined;
}

async function place(
  addon: Addon,
  layouts: readonly TensorLayout[],
  { path, device, fd, signal, onProgress }: Placement,
): Promise<NativeModel> {
  const offsets = Float64Array.from(layouts, (layout) => layout.offset);
  const sizes = Float64Array.from(layouts, (layout) => layout.bytes);
  const totalBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const progress = (loadedBytes: number): void => {
    notify(onProgress, { loadedBytes, totalBytes });
  };
  const { model } = await runJob<Settlement & { readonly model?: NativeModel }>(
    `loading ${path}`,
    { signal, timeoutMs: Infinity },
    (timeoutMs, settled) => addon.loadModel({ device, fd, offsets, sizes, timeoutMs }, progress, settled),
  );
  if (model === undefined) throw new Error(`Loading ${path} ended without a model`);
  progress(totalBytes);
  return model;
}

/** The parts of a model on their way to their devices: all of them, or none. */

import { SafetensorsError } from '../common/errors.js';
import type { Addon, NativeTensors, Settlement } from '../native/addon.js';
import { type JobLimits, runJob } from '../native/run-job.js';
import type { Assignment } from './device-map.js';
import type { ModelFile } from './model-files.js';
import { NativeParts } from './native-parts.js';
import type { TensorLayout } from './safetensors/header.js';

/** The tensors of one file that go to one device. */
export interface Part {
  readonly path: string;
  readonly fd: number;
  readonly device: number;
  readonly tensors: TensorLayout[];
}

/** How long giving back what was loaded may take after a failure, before the failure is told. */
const GIVE_BACK_MS = 2000;

export interface PlaceLimits {
  readonly signal: AbortSignal | undefined;
  /** Of the whole load, of which `leftMs` are left. */
  readonly timeoutMs: number;
  readonly leftMs: number;
}

/** At least one part, so that a model without tensors is somewhere, too. */
export function partsOf(files: readonly ModelFile[], assign: Assignment): readonly Part[] {
  const parts: Part[] = [];
  for (const { path, handle, tensors } of files) {
    const byDevice = new Map<number, Part>();
    for (const tensor of tensors) {
      const device = assign(tensor.name);
      let part = byDevice.get(device);
      if (part === undefined) {
        part = { path, fd: handle.fd, device, tensors: [] };
        byDevice.set(device, part);
        parts.push(part);
      }
      part.tensors.push(tensor);
    }
  }
  const [first] = files;
  if (parts.length === 0 && first !== undefined) {
    parts.push({ path: first.path, fd: first.handle.fd, device: assign(''), tensors: [] });
  }
  return parts;
}

/** Loads all parts, the devices side by side. When one fails, the others are given back first. */
export async function placeParts(
  addon: Addon,
  parts: readonly Part[],
  { signal, timeoutMs, leftMs }: PlaceLimits,
  progress: (loadedBytes: number) => void,
): Promise<readonly NativeTensors[]> {
  const failing = new AbortController();
  let failure: unknown;
  const any = signal === undefined ? failing.signal : AbortSignal.any([signal, failing.signal]);
  const loaded = parts.map(() => 0);
  const placed = await Promise.all(
    parts.map(async (part, index) => {
      const report = (bytes: number): void => {
        loaded[index] = bytes;
        progress(loaded.reduce((sum, each) => sum + each, 0));
      };
      try {
        return await place(
          addon,
          part,
          { signal: any, timeoutMs: leftMs, toldMs: timeoutMs },
          report,
        );
      } catch (thrown) {
        failure ??= thrown;
        failing.abort();
        return undefined;
      }
    }),
  );
  const there = placed.filter((native) => native !== undefined);
  if (there.length === parts.length) return there;
  if (there.length > 0) await giveBack(there);
  throw failure;
}

async function place(
  addon: Addon,
  { path, fd, device, tensors }: Part,
  limits: JobLimits,
  progress: (loadedBytes: number) => void,
): Promise<NativeTensors> {
  const offsets = Float64Array.from(tensors, ({ offset }) => offset);
  const sizes = Float64Array.from(tensors, ({ bytes }) => bytes);
  try {
    const { model } = await runJob<Settlement & { readonly model?: NativeTensors }>(
      `loading ${path}`,
      { ...limits, stuckIn: 'a CUDA call or a read of the file' },
      (timeoutMs, settled) =>
        addon.loadModel({ device, fd, offsets, sizes, timeoutMs }, progress, settled),
    );
    if (model === undefined) throw new Error(`Loading ${path} ended without a model`);
    progress(model.bytes);
    return model;
  } catch (thrown) {
    throw thrown instanceof SafetensorsError ? cutShort(path, thrown) : thrown;
  }
}

/** The header was checked against the file's length, so that the file has become shorter since. */
function cutShort(path: string, cause: SafetensorsError): SafetensorsError {
  const message = `The file \`${path}\` has become shorter while it was loaded: ${cause.message}`;
  return new SafetensorsError(message, cause.reason, { cause });
}

/** What does not come back in time is given back when it does, and its memory shows until then. */
function giveBack(natives: readonly NativeTensors[]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const job = new NativeParts(natives).release(
      () => undefined,
      done,
      () => undefined,
    );
    const timer = setTimeout(() => {
      job.cancel();
    }, GIVE_BACK_MS);
  });
}

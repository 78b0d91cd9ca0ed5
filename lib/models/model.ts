/** A model on a device. */

import { expected } from '../common/expected.js';
import type { UnloadBalance } from '../common/errors.js';
import type { Turns, UnloadInTurn } from './in-turn.js';
import type { Lease } from './lease.js';
import { Lifecycle, type ModelState } from './lifecycle.js';
import { type PlacedNative, NativeResource } from './native-resource.js';
import { type ReadOptions, readerLimits, type TensorReader } from './read-tensor.js';
import type { TensorInfo } from './tensor-info.js';
import { balanceOf } from './unload-errors.js';
import type { UnloadOptions } from './unload-options.js';
import type { UnloadResult } from './unloadable.js';

export type { ReadOptions } from './read-tensor.js';
export type { ModelState } from './lifecycle.js';
export type { UnloadOptions } from './unload-options.js';

/** As `model.unload()`, for who unloads many. Not a method, because it is not for everybody. */
export let unloadInTurn: (model: Model, turns: Turns) => UnloadInTurn;
/** How much of it is freed, and what it still holds. */
export let heldBy: (model: Model) => UnloadBalance;
/** Whether it is one, and nobody has wrapped its `unload`, which would then have to be called. */
export let isModel: (unloadable: object) => unloadable is Model;

/** Made by `loadModel`. Object lifetime: collected without an unload, its memory is given back. */
export class Model {
  readonly name: string;
  /** The index of the device that it is on; of one that is spread, the first. */
  readonly device: number;
  /** The indices of all devices that it is on, ascending. */
  readonly devices: readonly number[];
  /** Bytes of all tensors. */
  readonly bytes: number;
  /** Of those bytes, the ones on each of its devices. */
  readonly bytesByDevice: ReadonlyMap<number, number>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #lifecycle: Lifecycle;
  readonly #readTensor: TensorReader | undefined;

  static {
    // By its own name, the bundle would call the class something else.
    const { prototype } = this;
    unloadInTurn = (model, turns) => model.#lifecycle.unloadInTurn(turns);
    heldBy = (model) => balanceOf(model.#lifecycle);
    isModel = (unloadable): unloadable is Model =>
      #lifecycle in unloadable && unloadable.unload === prototype.unload;
  }

  /** @internal */
  constructor(
    name: string,
    tensors: ReadonlyMap<string, TensorInfo>,
    native: PlacedNative,
    readTensor?: TensorReader,
  ) {
    this.name = name;
    this.tensors = tensors;
    this.devices = Object.freeze([...(native.devices ?? [native.device])]);
    this.device = this.devices[0] ?? native.device;
    this.bytes = native.bytes;
    this.bytesByDevice = new Map(native.bytesByDevice ?? [[this.device, native.bytes]]);
    this.#lifecycle = new Lifecycle(name, new NativeResource(name, native));
    this.#readTensor = readTensor;
  }

  /** Where it is between loaded and unloaded. It may change at any time. */
  get state(): ModelState {
    return this.#lifecycle.state;
  }

  /** How many leases are held. */
  get leases(): number {
    return this.#lifecycle.leases;
  }

  /** Grows with every lease given back, of any model: the smaller, the longer ago. */
  get lastUse(): number {
    return this.#lifecycle.lastUse;
  }

  /**
   * Claims the model for one piece of work: an unload waits until every lease is released.
   *
   * @throws ModelStateError unless the model is `loaded`
   */
  acquire(): Lease {
    return this.#lifecycle.acquire();
  }

  /**
   * Copies a tensor's bytes back from its device, as they lie in the file. Holds a lease meanwhile.
   *
   * @throws ModelStateError unless the model is `loaded`; RangeError for a name it does not have, or
   *   more bytes than a Buffer holds
   * @throws AbortError, TimeoutError, CudaError
   */
  async read(name: string, options?: ReadOptions): Promise<Buffer> {
    const limits = readerLimits(options);
    const tensor = this.tensors.get(name);
    if (tensor === undefined || this.#readTensor === undefined) {
      throw new RangeError(expected('the tensor', `one of the model ${this.name}`, name));
    }
    return this.#readTensor(tensor, this.acquire(), limits);
  }

  /**
   * Waits for the leases, then frees the tensors one by one on the device's thread, and measures
   * what came back. Calls during an unload share it. An abort or a timeout while it drains leaves
   * the model as it was; while it releases, the model is `interrupted` (or `stuck` in a call that
   * does not come back) and a later `unload()` frees exactly the rest.
   *
   * @throws AbortError or TimeoutError, with `freedBytes` and `remainingBytes`
   * @throws UnloadError when CUDA refused to free, or the device is lost
   */
  async unload(options?: UnloadOptions): Promise<UnloadResult> {
    return this.#lifecycle.unload(options);
  }
}

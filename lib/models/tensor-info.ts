/** What is known of a tensor of a loaded model. */

import type { Dtype, TensorLayout } from './safetensors/header.js';

/** One tensor of a loaded model. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** A dimension above `Number.MAX_SAFE_INTEGER` is a bigint. */
  readonly shape: readonly (number | bigint)[];
  readonly bytes: number;
  /** The index of the device that it is on. */
  readonly device: number;
  /**
   * Where it lies on its device; 0 for a tensor without bytes. Undefined once the model's memory
   * is being released. Not enumerable, because JSON has no bigint.
   */
  readonly pointer: bigint | undefined;
}

/** Object lifetime: keeps what it points to from being collected. */
export class PlacedTensor implements TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly (number | bigint)[];
  readonly bytes: number;
  readonly device: number;
  readonly #pointer: () => bigint | undefined;

  constructor(
    { name, dtype, shape, bytes }: TensorLayout,
    device: number,
    pointer: () => bigint | undefined,
  ) {
    this.name = name;
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.bytes = bytes;
    this.device = device;
    this.#pointer = pointer;
    Object.freeze(this);
  }

  get pointer(): bigint | undefined {
    return this.#pointer();
  }
}

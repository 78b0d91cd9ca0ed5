/** What is known of a tensor of a loaded model. */

import type { Dtype, TensorLayout } from './safetensors/header.js';

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** A dimension above `Number.MAX_SAFE_INTEGER` is a bigint. */
  readonly shape: readonly (number | bigint)[];
  readonly bytes: number;
}

export function tensorInfo({ name, dtype, shape, bytes }: TensorLayout): TensorInfo {
  return Object.freeze({ name, dtype, shape: Object.freeze([...shape]), bytes });
}

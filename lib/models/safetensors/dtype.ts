/** The element types a safetensors file can hold, and how many bits one element takes. */

/** In the order of the reference implementation, which is that of their alignment. */
const BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** The name of an element type, as safetensors files have it. */
export type Dtype = keyof typeof BITS;

export const DTYPES = Object.keys(BITS) as readonly Dtype[];

export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(BITS, name);
}

/** Bits per element; below 8 elements share bytes. */
export function bitsPerElement(dtype: Dtype): number {
  return BITS[dtype];
}

/** A world without a device, on any machine: what to set, and what the package then says. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const addon = fileURLToPath(new URL('../../build/Release/cuda_shutdown.node', import.meta.url));

export const withoutDevice = {
  env: { CUDA_SHUTDOWN_BACKEND: 'auto', CUDA_VISIBLE_DEVICES: '' },
  /** `cuda.unavailableReason.code` */
  reason: reason(),
} as const;

function reason(): string {
  if (!existsSync(addon)) return 'ERR_ADDON_NOT_BUILT';
  // The driver is there, and shows none of its devices.
  if (existsSync('/proc/driver/nvidia/version')) return 'cudaErrorNoDevice';
  return 'cudaErrorInsufficientDriver';
}

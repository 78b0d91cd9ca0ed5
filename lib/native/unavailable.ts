/** Why there is no device, and what can be done about it. */

import type { Addon, Probe } from './addon.js';

export interface UnavailableReason {
  /** The runtime's name for it, as `cudaErrorNoDevice`. */
  readonly code: string;
  readonly message: string;
}

const IN_A_CONTAINER =
  'in a container, start it with the GPU (`--gpus all`, or `nvidia.com/gpu` among its limits)';

/** What to do, by the names of the real runtime's errors: those that the driver answers when it is opened. */
const ADVICE: Readonly<Record<string, (probe: Probe) => string>> = {
  cudaErrorInsufficientDriver: ({ driverVersion, runtimeVersion }) =>
    driverVersion === 0
      ? `no NVIDIA driver was found (libcuda.so.1 does not load): install it; ${IN_A_CONTAINER}`
      : `the driver is one for CUDA ${version(driverVersion)}, this build needs ${version(runtimeVersion)}: update the driver, or build with a toolkit that it knows (\`npm rebuild cuda-shutdown\`)`,
  cudaErrorNoDevice: () =>
    `${hiddenDevices()}see whether \`nvidia-smi -L\` lists one; ${IN_A_CONTAINER}`,
  cudaErrorInitializationError: () =>
    'the driver is installed but does not start: see `nvidia-smi` and the kernel log (`dmesg | grep NVRM`)',
  cudaErrorUnknown: () =>
    'often the module nvidia-uvm is not loaded (`nvidia-modprobe -u`), or this user may not open /dev/nvidia*: see the kernel log (`dmesg | grep NVRM`)',
  cudaErrorStubLibrary: () =>
    "the toolkit's stub for linking was loaded instead of the driver: take its folder `stubs` out of LD_LIBRARY_PATH",
  cudaErrorSystemNotReady: () =>
    'a machine with NVSwitch needs the fabric manager of its driver: `systemctl status nvidia-fabricmanager`',
  cudaErrorSystemDriverMismatch: () =>
    'libcuda.so.1 and the kernel module are of different versions, as after an update: restart the machine, or in a container use the library of its host',
  cudaErrorCompatNotSupportedOnDevice: () =>
    'the forward compatibility package was loaded for a GPU that it does not support: take `cuda/compat` out of LD_LIBRARY_PATH, and update the driver instead',
};

/** @param probe of a runtime that has no device */
export function unavailableReason(probe: Probe, runtime: Addon['runtime']): UnavailableReason {
  const { cudaCode, cudaName, message } = probe;
  const who = runtime === 'simulated' ? 'the simulated CUDA runtime' : 'the CUDA runtime';
  const [code, answer] =
    cudaCode === 0
      ? ['cudaErrorNoDevice', `${who} has no device`]
      : [cudaName, `${who} answers ${cudaName} (${cudaCode}): ${message}`];
  if (runtime === 'simulated') return { code, message: answer };
  return { code, message: `${answer}; ${ADVICE[code]?.(probe) ?? 'see what `nvidia-smi` says'}` };
}

function version(number: number): string {
  return `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
}

function hiddenDevices(): string {
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  return visible === undefined ? '' : `CUDA_VISIBLE_DEVICES is \`${visible}\`; `;
}

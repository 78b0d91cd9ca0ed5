/** NVIDIA's runtime without a device: the verdicts of a driver that is made for the test. */

import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { makeFolder } from './folder.js';

/** Whether the addon of the real runtime was built: it is where there is a CUDA toolkit. */
export const realRuntime = existsSync(
  fileURLToPath(new URL('../../build/Release/cuda_shutdown.node', import.meta.url)),
);

export interface Driver {
  /** What cuInit answers; with `hang` it never does. */
  readonly init: number | 'hang';
  /** As `11080` for CUDA 11.8. Default: 13.0. */
  readonly version?: number;
}

/** The environment of a process with such a driver, or without any; on any machine. */
export class Drivers {
  readonly #stub = makeFolder();
  readonly #none = makeFolder();

  constructor() {
    const source = fileURLToPath(new URL('../native/driver/stub.cc', import.meta.url));
    const library = join(this.#stub, 'libcuda.so.1');
    execFileSync(process.env.CXX ?? 'c++', [
      '-std=c++20',
      '-shared',
      '-fPIC',
      '-o',
      library,
      source,
    ]);
    // In front of the machine's own, and no library.
    writeFileSync(join(this.#none, 'libcuda.so.1'), '');
  }

  env(driver: Driver | 'none'): Record<string, string> {
    const backend = { CUDA_SHUTDOWN_BACKEND: 'auto' };
    if (driver === 'none') return { ...backend, LD_LIBRARY_PATH: this.#none };
    return {
      ...backend,
      LD_LIBRARY_PATH: this.#stub,
      DRIVER_STUB_INIT: String(driver.init),
      DRIVER_STUB_VERSION: String(driver.version ?? 13_000),
    };
  }
}

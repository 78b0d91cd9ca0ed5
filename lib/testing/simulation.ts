/** The simulated CUDA runtime of this process, for tests. State: the addon's, the process's. */

import { TimeoutError } from '../common/errors.js';
import { expected } from '../common/expected.js';
import { nonEmptyString, optionalSignal, optionsObject, positiveMs } from '../common/options.js';
import type { NativeSimulator } from '../native/addon.js';
import { backend, forgetBackend } from '../native/backend.js';
import { load, loadedAddon } from '../native/load.js';
import { type Ledger, ownLedger } from './ledger.js';
import { faultList, type SimulationOptions, simulationSettings } from './options.js';

/**
 * Chooses the simulated runtime for this process, and begins it anew: all devices, memory, faults and
 * counts. To be called before anything of the package is used; and again, as before each test, whenever
 * there is no model, and nothing of the package is under way. Processes and workers that this one starts get the simulated runtime as well,
 * with the settings of their own environment (`simulatedEnvironment`).
 *
 * @throws TypeError or RangeError for a wrong option
 * @throws Error where another backend is in use already, and while there are models
 */
export function simulateCuda(options?: SimulationOptions): void {
  const { devices, memory, faults, ledger } = simulationSettings(options);
  const before = loadedAddon();
  if (before !== undefined && before.setting !== 'simulated') {
    throw new Error(
      'Expected simulateCuda() to be called before anything else of the package is used (or CUDA_SHUTDOWN_BACKEND to be simulated), ' +
        `got a process whose backend was chosen as \`${before.setting}\``,
    );
  }
  process.env.CUDA_SHUTDOWN_BACKEND = 'simulated';
  simulatorOf(load().addon).begin(devices, memory, faults, ledger);
  forgetBackend();
}

/**
 * The environment of a process that is to run on a simulated runtime, with what this one's holds: for
 * `child_process`, as `spawn(command, { env: simulatedEnvironment({ ledger }) })`.
 *
 * @throws TypeError or RangeError for a wrong option
 */
export function simulatedEnvironment(options?: SimulationOptions): NodeJS.ProcessEnv {
  const { devices, memory, faults, ledger } = simulationSettings(options);
  return {
    ...process.env,
    CUDA_SHUTDOWN_BACKEND: 'simulated',
    CUDA_SHUTDOWN_SIM_DEVICES: String(devices),
    CUDA_SHUTDOWN_SIM_MEMORY: memory,
    CUDA_SHUTDOWN_SIM_FAULTS: faults,
    CUDA_SHUTDOWN_SIM_LEDGER: ledger,
  };
}

/** What this process's simulated devices hold. @throws Error without `simulateCuda()` */
export function ledger(): Ledger {
  return ownLedger(simulator(), backend().deviceCount);
}

/**
 * Adds faults, in the grammar of `SimulationOptions.faults`; `#n` counts from now.
 *
 * @throws TypeError or RangeError for what is no fault; Error without `simulateCuda()`
 */
export function injectFault(fault: string | readonly string[]): void {
  simulator().inject(faultList(fault));
}

/** Lets the calls that hang now go on, as if they had only been slow. The faults stay set. */
export function releaseHangs(): void {
  simulator().releaseHangs();
}

/**
 * How often a runtime function was called since `simulateCuda()`. A call counts from its entry on, before
 * a fault acts.
 *
 * @throws RangeError for a function that the simulated runtime does not have
 */
export function callCount(name: string): number {
  return simulator().calls(nonEmptyString('the name of the function', name));
}

/** The options of `waitForCall`. */
export interface WaitOptions {
  /** The how-many-th call since `simulateCuda()`. Default 1. */
  readonly nth?: number | undefined;
  /** Default 10,000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const POLL_MS = 1;

/**
 * Resolves when a runtime function has been called, also when that call hangs.
 *
 * @throws TimeoutError; the signal's reason; RangeError for a function that there is not
 */
export async function waitForCall(name: string, options?: WaitOptions): Promise<void> {
  const given = optionsObject(options, ['nth', 'timeoutMs', 'signal']);
  const nth = positiveInteger('nth', given.nth, 1);
  const timeoutMs = positiveMs('timeoutMs', given.timeoutMs, 10_000);
  const signal = optionalSignal(given.signal);
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const calls = callCount(name);
    if (calls >= nth) return;
    if (performance.now() >= endsAt) {
      throw new TimeoutError(
        `${name} was called ${calls} times within ${Math.round(timeoutMs)} ms, not ${nth} times`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function positiveInteger(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  const message = (): string => expected(`the \`${name}\` option`, 'a positive integer', value);
  if (typeof value !== 'number') throw new TypeError(message());
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(message());
  return value;
}

function simulator(): NativeSimulator {
  const loaded = loadedAddon();
  if (loaded?.setting !== 'simulated') {
    throw new Error('Expected simulateCuda() to be called first');
  }
  return simulatorOf(loaded.addon);
}

function simulatorOf(addon: { readonly simulator?: NativeSimulator }): NativeSimulator {
  if (addon.simulator === undefined) throw new Error('Expected the addon of the simulated runtime');
  return addon.simulator;
}

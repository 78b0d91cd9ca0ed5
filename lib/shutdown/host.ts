/** What a shutdown needs of the native part. The sequence reaches it through this and nothing else. */

import type { HeldMemory, MeasuredDevice } from '../common/device-memory.js';
import type { NativeWatchdog } from '../native/addon.js';
import type { ShutdownReport } from './report.js';

export interface ShutdownHost {
  /** Undefined with `watchdog: false`. */
  readonly watchdog?: NativeWatchdog | undefined;
  /**
   * `_exit`. Undefined where there is no addon: the process then ends by `process.exit`; and in a
   * worker thread, which ends only itself by that.
   */
  readonly exitNow?: ((exitCode: number) => never) | undefined;
  /** The ids of the worker threads that have shutdowns of their own. */
  readonly threads?: (() => readonly number[]) | undefined;
  /** Only in a worker thread: its part in the shutdown of the process. */
  readonly thread?: { mayEnd(): Promise<void> } | undefined;
  backend(): ShutdownReport['backend'];
  /** Reads the devices that are initialised, and never creates a context. Ends within `timeoutMs`. */
  measureDevices(timeoutMs: number): Promise<readonly MeasuredDevice[]>;
  /** At once, and without the driver. Empty where there is no device. */
  heldMemory(): readonly HeldMemory[];
}

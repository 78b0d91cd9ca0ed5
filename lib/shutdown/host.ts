/** What a shutdown needs of the native part. The sequence reaches it through this and nothing else. */

import type { NativeWatchdog } from '../native/addon.js';
import type { ReportedMemory, ShutdownReport } from './report.js';

/** One device at one moment; `memory` is undefined where it could not be read in time. */
export interface MeasuredDevice {
  readonly index: number;
  readonly name: string;
  readonly memory?: ReportedMemory | undefined;
}

export interface ShutdownHost {
  /** Undefined with `watchdog: false`. */
  readonly watchdog?: NativeWatchdog | undefined;
  /** `_exit`. Undefined where there is no addon: the process then ends by `process.exit`. */
  readonly exitNow?: ((exitCode: number) => never) | undefined;
  backend(): ShutdownReport['backend'];
  /** Reads the devices that are initialised, and never creates a context. Ends within `timeoutMs`. */
  measureDevices(timeoutMs: number): Promise<readonly MeasuredDevice[]>;
}

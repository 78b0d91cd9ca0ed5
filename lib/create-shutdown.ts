/** The composition root: makes a shutdown of its options, the native part and the observers. */

import { resolve } from 'node:path';
import { workerThreadsModule } from './common/builtins.js';
import { expected } from './common/expected.js';
import {
  nonEmptyString,
  nonNegativeMs,
  optionalBoolean,
  optionalFunction,
  optionsObject,
  positiveMs,
} from './common/options.js';
import { currentBackend, heldMemory, measureDevices } from './cuda/measure.js';
import type { Addon, NativeWatchdog } from './native/addon.js';
import { loadAddon } from './native/load.js';
import { consoleObserver, type ConsoleMode } from './observers/console/console-observer.js';
import { prepareFolder } from './observers/evidence-files.js';
import { journal } from './observers/journal/journal-observer.js';
import { logObserver } from './observers/log/log-observer.js';
import { reportFile } from './observers/report-file.js';
import type { ShutdownHost } from './shutdown/host.js';
import { checkIpc, type IpcTrigger } from './shutdown/ipc.js';
import { guardLogger, optionalLogger, type Logger } from './shutdown/logger.js';
import type { Redact } from './shutdown/redact.js';
import { Shutdown } from './shutdown/shutdown.js';
import { checkSignals } from './shutdown/signals.js';

/** The options of `createShutdown`. Times are milliseconds. */
export interface ShutdownOptions {
  /** Milliseconds from the arrival of the signal to the end of the process. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** The signals that begin a shutdown. Default `SIGTERM`, `SIGINT` and `SIGHUP`. */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /**
   * Milliseconds for which the service stays at work after a shutdown has begun, as load balancers
   * still send requests: not ready any more, `signal` not aborted, no step begun. They count in
   * `timeoutMs`. Default 0.
   */
  readonly delayMs?: number | undefined;
  /**
   * What of the parent's IPC channel begins a shutdown: `'shutdown'` a message of that text (PM2's),
   * `'disconnect'` the closing of the channel; true is `['shutdown']`. Default false.
   */
  readonly ipc?: boolean | readonly IpcTrigger[] | undefined;
  /**
   * Whether an error that nobody catches begins a shutdown, which then ends with at least 1. With
   * false Node's own way stays, also while a shutdown runs. Default true.
   */
  readonly uncaught?: boolean | undefined;
  /** Whether the process ends when the shutdown has. Default true. */
  readonly exit?: boolean | undefined;
  /** Gets an entry for every step that ends. Default: none. */
  readonly logger?: Logger | undefined;
  /**
   * What stands on stderr: `'auto'` (default) spinners on a terminal, and without one plain lines
   * unless there is a logger; `true` always something; `false` nothing. In a worker thread `'auto'` is
   * `false`: the main thread shows its step.
   */
  readonly console?: ConsoleMode | undefined;
  /**
   * The folder for the report and the journal, as a path; default false: none. A worker thread writes
   * none: its report stands in the main thread's.
   */
  readonly report?: string | false | undefined;
  /** Whether a native thread keeps the time limit even when JavaScript is stuck. Default true. */
  readonly watchdog?: boolean | undefined;
  /**
   * Every reason, error text, progress text and string among the facts and details goes through it
   * before it is logged, shown or written. One that throws has the text replaced.
   */
  readonly redact?: Redact | undefined;
}

const OPTION_NAMES = [
  'timeoutMs',
  'signals',
  'delayMs',
  'ipc',
  'uncaught',
  'exit',
  'logger',
  'console',
  'report',
  'watchdog',
  'redact',
] as const;

/** The longest time that a timer of Node's can hold. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Makes a shutdown. Nothing happens before its `install()` or `start()`.
 * @throws TypeError or RangeError that names the option that is wrong.
 */
export function createShutdown(options?: ShutdownOptions): Shutdown {
  const given = optionsObject(options, OPTION_NAMES);
  const logger = optionalLogger(given.logger);
  const mode = consoleMode(given.console);
  const wanted = reportFolder(given.report);
  const folder = workerThreadsModule().isMainThread ? wanted : undefined;
  const timeoutMs = totalMs(given.timeoutMs);
  let watchdog: NativeWatchdog | undefined;
  const shutdown = new Shutdown({
    timeoutMs,
    delayMs: delayMs(given.delayMs, timeoutMs),
    signals: checkSignals(given.signals ?? ['SIGTERM', 'SIGINT', 'SIGHUP']),
    ipc: checkIpc(given.ipc),
    uncaught: optionalBoolean('uncaught', given.uncaught, true),
    exit: optionalBoolean('exit', given.exit, true),
    logger: guardLogger(logger),
    watchdog: optionalBoolean('watchdog', given.watchdog, true),
    reportFolder: folder,
    redact: optionalFunction('redact', given.redact),
    openThreadList: () => loadAddon().threads,
    openHost: (parts) => {
      const host = openHost(parts);
      watchdog = host.watchdog;
      return host;
    },
    prepare: () => {
      if (folder !== undefined && watchdog !== undefined) {
        prepareFolder(folder);
        watchdog.setJournalFolder(folder);
      }
      view?.prepare();
    },
  });
  if (folder !== undefined) {
    journal(shutdown, { folder, opened: (fd) => watchdog?.setJournal(fd) });
    reportFile(shutdown, folder);
  }
  if (logger !== undefined) logObserver(shutdown, logger);
  const view = consoleObserver(shutdown, { mode, logger, reportFolder: folder });
  return shutdown;
}

function openHost(wanted: { readonly watchdog: boolean }): ShutdownHost {
  const addon = wanted.watchdog ? loadAddon() : addonOrNothing();
  if (addon === undefined) {
    return {
      backend: () => 'none',
      measureDevices: () => Promise.resolve([]),
      heldMemory: () => [],
    };
  }
  // Asked here and not in the shutdown: the first question may open the driver.
  const backend = currentBackend();
  return {
    watchdog: wanted.watchdog ? addon.watchdog : undefined,
    ...(workerThreadsModule().isMainThread
      ? {
          exitNow: (exitCode) => addon.exitNow(exitCode),
          threads: () => addon.threads.list(),
        }
      : {}),
    backend: () => backend,
    // The devices are the process's: the main thread measures them.
    measureDevices: workerThreadsModule().isMainThread ? measureDevices : () => Promise.resolve([]),
    heldMemory: backend === 'none' ? () => [] : heldMemory,
  };
}

/** Without a watchdog the addon only makes the exit harder to disturb: it may be missing. */
function addonOrNothing(): Addon | undefined {
  try {
    return loadAddon();
  } catch {
    return undefined;
  }
}

function totalMs(value: unknown): number {
  const timeoutMs = positiveMs('timeoutMs', value, 30_000);
  if (timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  throw new RangeError(
    expected('the `timeoutMs` option', `a number of at most ${MAX_TIMEOUT_MS}`, value),
  );
}

function delayMs(value: unknown, timeoutMs: number): number {
  const ms = nonNegativeMs('delayMs', value, 0);
  if (ms < timeoutMs) return ms;
  throw new RangeError(
    expected('the `delayMs` option', `less than \`timeoutMs\`, which is ${timeoutMs}`, value),
  );
}

function consoleMode(value: unknown): ConsoleMode {
  if (value === undefined || value === 'auto')
    return workerThreadsModule().isMainThread ? 'auto' : false;
  if (typeof value === 'boolean') return value;
  throw new TypeError(expected('the `console` option', "'auto' or a boolean", value));
}

function reportFolder(value: unknown): string | undefined {
  if (value === undefined || value === false) return undefined;
  // The service may change its working directory later.
  return resolve(nonEmptyString('the `report` option', value));
}

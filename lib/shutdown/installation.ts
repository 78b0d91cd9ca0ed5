/** What listens for a shutdown while it is installed, on the main thread or in a worker thread. */

import { workerThreadsModule } from '../common/builtins.js';
import { joinCluster, type ClusterPlace } from './cluster-worker.js';
import { listenToCrashes, type CrashOrigin } from './crashes.js';
import type { ShutdownHost } from './host.js';
import { listenToParent, type IpcTrigger } from './ipc.js';
import { listenToNaturalEnd } from './natural-end.js';
import { rehearseSoon } from './rehearsal.js';
import type { ShutdownRequest } from './request.js';
import { DUPLICATE_MS, listen, type SignalArrival } from './signals.js';
import { takePlace, type ThreadList, type ThreadPlace } from './worker-thread.js';

/** What the options say of it, and what the composition root provides. */
export interface InstallSettings {
  readonly timeoutMs: number;
  readonly signals: readonly SignalArrival[];
  readonly ipc: readonly IpcTrigger[];
  readonly uncaught: boolean;
  readonly exit: boolean;
  readonly watchdog: boolean;
  /** @throws what the addon's loader throws, when a watchdog is wanted and the addon cannot load. */
  openHost(wanted: { readonly watchdog: boolean }): ShutdownHost;
  /** For a worker thread. @throws what the addon's loader throws. */
  openThreadList(): ThreadList;
}

/** Whom what was heard is told. */
export interface Triggered {
  readonly signal: (signal: SignalArrival) => void;
  readonly parent: (reason: string) => void;
  /** The shutdown of the primary or of the main thread asks; possibly again. */
  readonly asked: (request: ShutdownRequest) => void;
  /** The primary of a cluster worker is gone. */
  readonly lost: () => void;
  readonly loopIsEmpty: () => void;
  readonly crashed: (origin: CrashOrigin, error: Error) => void;
}

export interface Installation {
  readonly host: ShutdownHost;
  /** In a cluster worker. */
  readonly cluster?: ClusterPlace | undefined;
  /** In a worker thread. */
  readonly thread?: ThreadPlace | undefined;
  /** Stops the listening to what only begins a shutdown; that to signals stays. */
  ignoreTriggers(): void;
  remove(): void;
}

/** How long JavaScript has to end the process after a second signal, before the watchdog does. */
const SECOND_SIGNAL_GRACE_MS = 250;

// Held by the process, and by each worker thread's own `process`: two copies of this package must not
// both handle its signals.
const INSTALLED = Symbol.for('cuda-shutdown.installed');

/** @throws Error when a shutdown is installed already. */
export function checkInstallable(): void {
  if ((process as { [INSTALLED]?: boolean })[INSTALLED] !== true) return;
  const where = workerThreadsModule().isMainThread ? 'process' : 'thread';
  throw new Error(`A shutdown is installed in this ${where} already; one is enough: add to it`);
}

/** @throws what `openHost` and the watchdog throw; then nothing is changed. */
export function installInProcess(settings: InstallSettings, told: Triggered): Installation {
  const { signals, timeoutMs } = settings;
  const host = settings.openHost({ watchdog: settings.watchdog });
  const ignoreTriggers = listenToTriggers(settings, told);
  const cluster = joinCluster(told);
  // Before arm(): the watchdog's handler must stand in front of the one that this installs.
  const stopListening = listen(signals, told.signal);
  const stopAll = (): void => {
    stopListening();
    ignoreTriggers();
    cluster?.close();
  };
  try {
    host.watchdog?.arm({
      signals: signals.map(({ number }) => number),
      timeoutMs,
      duplicateMs: DUPLICATE_MS,
      secondSignalGraceMs: SECOND_SIGNAL_GRACE_MS,
      // The primary sends one to a worker that does not answer, which may have had the terminal's.
      ...(cluster === undefined ? {} : { onceFrom: process.ppid }),
    });
  } catch (error) {
    stopAll();
    throw error;
  }
  return installed({ host, cluster, ignoreTriggers }, () => {
    host.watchdog?.disarm();
    stopAll();
  });
}

/** @throws what `openThreadList` throws; then nothing is changed. */
export function installInThread(settings: InstallSettings, told: Triggered): Installation {
  const thread = takePlace(settings.openThreadList(), settings.exit, told.asked);
  const ignoreTriggers = listenToTriggers(settings, told);
  const host = { ...settings.openHost({ watchdog: false }), thread };
  return installed({ host, thread, ignoreTriggers }, () => {
    thread.close();
    ignoreTriggers();
  });
}

function installed(parts: Omit<Installation, 'remove'>, remove: () => void): Installation {
  const holder = process as { [INSTALLED]?: boolean };
  holder[INSTALLED] = true;
  const noRehearsal = rehearseSoon();
  return {
    ...parts,
    remove: () => {
      remove();
      noRehearsal();
      holder[INSTALLED] = false;
    },
  };
}

/** Everything but the signals. Answers what stops the listening; stopping twice does nothing. */
function listenToTriggers({ ipc, uncaught }: InstallSettings, told: Triggered): () => void {
  const stops = [
    listenToNaturalEnd(told.loopIsEmpty),
    // A worker thread has no part in the channel of its process.
    ...(workerThreadsModule().isMainThread ? [listenToParent(ipc, told.parent)] : []),
    ...(uncaught ? [listenToCrashes(told.crashed)] : []),
  ];
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}

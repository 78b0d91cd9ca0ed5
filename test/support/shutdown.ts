/** A shutdown on a host of the test's own, which does not end the process. */

import type { NativeWatchdog } from '../../lib/native/addon.js';
import type { ShutdownHost } from '../../lib/shutdown/host.js';
import { guardLogger } from '../../lib/shutdown/logger.js';
import { Shutdown, type ShutdownSettings } from '../../lib/shutdown/shutdown.js';
import { checkSignals } from '../../lib/shutdown/signals.js';
import { resolveStep, type ResolvedStep, type StepOptions } from '../../lib/shutdown/step.js';

export function fakeHost(host: Partial<ShutdownHost> = {}): ShutdownHost {
  return {
    backend: () => 'none',
    measureDevices: () => Promise.resolve([]),
    heldMemory: () => [],
    ...host,
  };
}

/** Writes down what it is told. */
export function fakeWatchdog(ageMs?: number): NativeWatchdog & { readonly calls: string[] } {
  const calls: string[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]): void => {
      calls.push(`${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`);
    };
  return {
    calls,
    arm: note('arm'),
    disarm: note('disarm'),
    begin: note('begin'),
    finish: note('finish'),
    setPending: note('setPending'),
    setJournalFolder: note('setJournalFolder'),
    setJournal: note('setJournal'),
    decide: note('decide'),
    arrival: () => (ageMs === undefined ? undefined : { signal: 15, ageMs }),
  };
}

export function fakeShutdown(
  settings: Partial<ShutdownSettings> & { readonly host?: ShutdownHost } = {},
): Shutdown {
  const { host = fakeHost(), ...others } = settings;
  return new Shutdown({
    timeoutMs: 5000,
    delayMs: 0,
    ipc: [],
    signals: checkSignals(['SIGTERM']),
    uncaught: false,
    exit: false,
    logger: guardLogger(undefined),
    watchdog: true,
    openHost: () => host,
    openThreadList: () => ({ enter: () => undefined, leave: () => undefined }),
    prepare: () => undefined,
    ...others,
  });
}

export function step(name: string, options: StepOptions = {}): ResolvedStep {
  return resolveStep({ ...options, name, run: () => undefined });
}

/** A promise, and what settles it. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

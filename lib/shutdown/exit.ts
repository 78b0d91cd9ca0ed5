/** The end of the process: `exit` listeners, then `_exit`. */

import { v8 } from '../common/builtins.js';
import type { ShutdownHost } from './host.js';

const PROFILING = /(?:^|\s)--(?:prof|cpu-prof|heap-prof|experimental-test-coverage)(?:\s|=|$)/;

/** True when Node writes something at a normal exit that `_exit` would lose: pure. */
export function writesAtExit(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[],
): boolean {
  const flags = [...execArgv, env.NODE_OPTIONS ?? ''].join(' ');
  return (env.NODE_V8_COVERAGE ?? '') !== '' || PROFILING.test(flags);
}

/** What `process.exit` calls behind the `exit` listeners, also when one of them calls it. */
interface ReallyExits {
  reallyExit: (this: NodeJS.Process, exitCode: number) => never;
}

// Process lifetime: the one that stood before any seal.
const { reallyExit } = process as unknown as ReallyExits;

type ExitHost = Pick<ShutdownHost, 'exitNow' | 'threads'>;

/**
 * From here on `process.exit` ends the process with `exitCode`, whoever calls it with whatever code.
 * Where the host can, it ends by `_exit`: a static destructor of some runtime can then neither crash
 * nor hang a finished shutdown, and a worker thread inside native work is not terminated, which would
 * abort the process. Answers that end.
 */
export function sealExit(exitCode: number, { exitNow, threads }: ExitHost): () => never {
  const end = (): never => {
    if (!writesAtExit(process.env, process.execArgv)) exitNow?.(exitCode);
    else if (exitNow !== undefined && (threads?.() ?? []).length > 0) {
      keepCoverage();
      exitNow(exitCode);
    }
    return reallyExit.call(process, exitCode);
  };
  (process as unknown as ReallyExits).reallyExit = end;
  return end;
}

/** Writes what an exit would, as far as that can be asked for. */
function keepCoverage(): void {
  if ((process.env.NODE_V8_COVERAGE ?? '') === '') return;
  try {
    v8().takeCoverage();
  } catch {
    // The folder is gone, or full.
  }
}

/**
 * Ends a worker thread by an error that nobody caught, so that it is an `error` event where the worker
 * was made, as it would have been without a shutdown.
 */
export function endThreadBy(error: Error, exitCode: number): void {
  process.removeAllListeners('uncaughtException');
  try {
    process.setUncaughtExceptionCaptureCallback(null);
  } catch {
    // It is node:domain's, which does not let go of it.
  }
  setImmediate(() => {
    throw error;
  });
  // Should somebody catch it all the same.
  setImmediate(() => leave(exitCode, {}));
}

/** Runs the `exit` listeners and ends the process with `exitCode`, also when one of them throws. */
export function leave(exitCode: number, host: ExitHost): never {
  const end = sealExit(exitCode, host);
  try {
    process.exit(exitCode);
  } catch {
    // The listeners behind one that throws are not called, as everywhere in Node.
  }
  return end();
}

/** The end of the process: `exit` listeners, then `_exit`. */

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

/**
 * From here on `process.exit` ends the process with `exitCode`, whoever calls it with whatever code.
 * Where the host can, it ends by `_exit`: a static destructor of some runtime can then neither crash
 * nor hang a finished shutdown. Answers that end.
 */
export function sealExit(exitCode: number, host: Pick<ShutdownHost, 'exitNow'>): () => never {
  const hard = writesAtExit(process.env, process.execArgv) ? undefined : host.exitNow;
  const end = (): never => {
    hard?.(exitCode);
    return reallyExit.call(process, exitCode);
  };
  (process as unknown as ReallyExits).reallyExit = end;
  return end;
}

/** Runs the `exit` listeners and ends the process with `exitCode`, also when one of them throws. */
export function leave(exitCode: number, host: Pick<ShutdownHost, 'exitNow'>): never {
  const end = sealExit(exitCode, host);
  try {
    process.exit(exitCode);
  } catch {
    // The listeners behind one that throws are not called, as everywhere in Node.
  }
  return end();
}

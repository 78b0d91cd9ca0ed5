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

/**
 * Runs the `exit` listeners and ends the process with `exitCode`, also when one of them throws. Where
 * the host can, it ends by `_exit`: a static destructor of some runtime can then neither crash nor
 * hang a finished shutdown.
 */
export function leave(exitCode: number, host: Pick<ShutdownHost, 'exitNow'>): never {
  const hard = writesAtExit(process.env, process.execArgv) ? undefined : host.exitNow;
  process.on('exit', () => {
    hard?.(exitCode);
    process.exitCode = exitCode;
  });
  try {
    process.exit(exitCode);
  } catch {
    hard?.(exitCode);
    // Inside an exit Node calls no listener a second time.
    process.exit(exitCode);
  }
}

/** Ends a logger so that every line it was given is written, or says that it was not. */

import { stream } from '../common/builtins.js';
import { expected } from '../common/expected.js';
import { nonEmptyString, optionalBoolean, optionsObject } from '../common/options.js';
import type { Phase } from '../shutdown/events.js';
import { failedStdio, flushStdio } from '../shutdown/stdio.js';
import type { Step, StepContext } from '../shutdown/step.js';
import { closeable } from './closeable.js';
import { drainPino, isPino } from './drain-pino.js';
import { drainWinston, filesOf, isWinston, watchHttpTransports } from './drain-winston.js';
import { syncFile } from './sync-file.js';

/** The options of `closeLogger`. */
export interface CloseLoggerOptions {
  /** Default `logs`. */
  readonly name?: string | undefined;
  /** Default `logs`, the last. An audit log is better closed earlier, in `service`. */
  readonly phase?: Phase | undefined;
  /** Whether the files of a winston logger, or of a file stream, are synced to disk. Default true. */
  readonly fsync?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
  /** Default 1000. */
  readonly reserveMs?: number | undefined;
}

/** A winston or pino logger, a writable stream, or anything with `flush`, `end` or `close`. */
export type CloseableLogger =
  | { flush(...args: never[]): unknown }
  | { end(...args: never[]): unknown }
  | { close(...args: never[]): unknown };

const OPTION_NAMES = ['name', 'phase', 'fsync', 'timeoutMs', 'reserveMs'] as const;

/**
 * A step of the phase `logs`. A winston logger is drained, transport by transport, and ended; a
 * pino logger is flushed, and its transport's thread ended; a stream is ended; anything else is flushed, ended or closed by the first such method that it
 * has. Then stdout and stderr are flushed. A transport that fails, as on a full disk, fails the step; a
 * reader of stdout that is gone does not: it stands in the details, as `unread`.
 * @throws TypeError when `logger` has no such method, or an option is wrong.
 */
export function closeLogger(logger: CloseableLogger, options?: CloseLoggerOptions): Step {
  const given = optionsObject(options, OPTION_NAMES);
  const close = closerOf(logger, optionalBoolean('fsync', given.fsync, true));
  return {
    name: nonEmptyString('the `name` option', given.name ?? 'logs'),
    phase: given.phase ?? 'logs',
    timeoutMs: given.timeoutMs,
    reserveMs: given.reserveMs ?? 1000,
    run: async (context) => {
      const details = await close(context);
      if (!(await flushStdio(context.remainingMs()))) {
        throw new Error('Log entries may be lost: the reader of stdout or stderr was too slow');
      }
      const unread = failedStdio();
      return unread.length === 0 ? details : { unread };
    },
  };
}

function closerOf(logger: unknown, fsync: boolean): (context: StepContext) => unknown {
  const sync = async (paths: readonly string[], signal: AbortSignal): Promise<void> => {
    if (fsync) await Promise.all(paths.map((path) => syncFile(path, signal)));
  };
  if (isWinston(logger)) {
    const sending = watchHttpTransports(logger);
    return async ({ signal }) => {
      await drainWinston(logger, sending, signal);
      await sync(filesOf(logger), signal);
    };
  }
  if (isPino(logger)) return ({ signal }) => drainPino(logger, signal);
  if (isStream(logger)) {
    return async ({ signal }) => {
      await endStream(logger, signal);
      const { path } = logger as { path?: unknown };
      if (typeof path === 'string') await sync([path], signal);
    };
  }
  const shape = logger as Partial<Record<string, unknown>> | null | undefined;
  for (const method of ['flush', 'end', 'close']) {
    const found: unknown = shape?.[method];
    if (typeof found !== 'function') continue;
    // A bound function keeps the number of its parameters, by which a callback is recognised.
    return closeable(method, found.bind(logger) as () => unknown).run.bind(undefined);
  }
  throw new TypeError(
    expected('the logger', 'a winston logger, a stream, or to have flush, end or close', logger),
  );
}

function isStream(value: unknown): value is NodeJS.WritableStream {
  const shape = value as
    { end?: unknown; on?: unknown; writableEnded?: unknown } | null | undefined;
  return (
    typeof shape?.end === 'function' &&
    typeof shape.on === 'function' &&
    typeof shape.writableEnded === 'boolean'
  );
}

function endStream(writable: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    stream().finished(writable, { readable: false, signal }, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
    writable.end();
  });
}

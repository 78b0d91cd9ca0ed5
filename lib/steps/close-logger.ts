/** Ends a logger so that every line it was given is written, or says that it was not. */

import { finished } from 'node:stream';
import { expected } from '../common/expected.js';
import { nonEmptyString, optionsObject } from '../common/options.js';
import { flushStdio } from '../shutdown/stdio.js';
import type { Step, StepContext } from '../shutdown/step.js';
import { closeable } from './closeable.js';
import { drainWinston, isWinston } from './drain-winston.js';

export interface CloseLoggerOptions {
  /** Default `logs`. */
  readonly name?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Default 1000. */
  readonly reserveMs?: number | undefined;
}

/** A winston logger, a writable stream, or anything with `flush`, `end` or `close`. */
export type CloseableLogger =
  | { flush(...args: never[]): unknown }
  | { end(...args: never[]): unknown }
  | { close(...args: never[]): unknown };

const OPTION_NAMES = ['name', 'timeoutMs', 'reserveMs'] as const;

/**
 * A step of the phase `logs`. A winston logger is drained, transport by transport, and ended; a
 * stream is ended; anything else is flushed, ended or closed by the first such method that it
 * has. Then stdout and stderr are flushed. A transport that fails, as on a full disk, fails the step.
 * @throws TypeError when `logger` has no such method, or an option is wrong.
 */
export function closeLogger(logger: CloseableLogger, options?: CloseLoggerOptions): Step {
  const given = optionsObject(options, OPTION_NAMES);
  const close = closerOf(logger);
  return {
    name: nonEmptyString('the `name` option', given.name ?? 'logs'),
    phase: 'logs',
    timeoutMs: given.timeoutMs,
    reserveMs: given.reserveMs ?? 1000,
    run: async (context) => {
      const details = await close(context);
      if (!(await flushStdio(context.remainingMs()))) {
        throw new Error('Log entries may be lost: the reader of stdout or stderr was too slow');
      }
      return details;
    },
  };
}

function closerOf(logger: unknown): (context: StepContext) => unknown {
  if (isWinston(logger)) return ({ signal }) => drainWinston(logger, signal);
  if (isStream(logger)) return ({ signal }) => endStream(logger, signal);
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

function endStream(stream: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    finished(stream, { readable: false, signal }, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
    stream.end();
  });
}

/** What of a logger is used, and a guard around it: logging must never stop a shutdown. */

import { expected } from '../common/expected.js';

/**
 * The methods of a logger that are called: a sentence, and an object with the facts. `console` and
 * winston's loggers are such loggers as they are; pino's, which take the object first, are known by their
 * shape and called in their own order.
 */
export interface Logger {
  /** What went as it should. */
  info(message: string, facts?: object): unknown;
  /** What went wrong and does not change the exit code. */
  warn(message: string, facts?: object): unknown;
  /** What went wrong and does. */
  error(message: string, facts?: object): unknown;
}

type ObjectFirst = (facts: object, message: string) => unknown;

const LEVELS = ['info', 'warn', 'error'] as const;

/** @throws TypeError when `value` is no logger. */
export function optionalLogger(value: Logger | undefined): Logger | undefined {
  if (value === undefined) return undefined;
  const methods = value as Partial<Logger> | null;
  if (LEVELS.every((level) => typeof methods?.[level] === 'function')) return value;
  throw new TypeError(
    expected('the `logger` option', 'an object with the methods info, warn and error', value),
  );
}

/**
 * A logger that never throws and writes nothing once `logger` has been ended (winston throws then).
 * Without one it writes nowhere.
 */
export function guardLogger(logger: Logger | undefined): Logger {
  const objectFirst = takesObjectFirst(logger);
  const write = (level: (typeof LEVELS)[number], message: string, facts?: object): void => {
    if (logger === undefined || hasEnded(logger)) return;
    try {
      if (facts === undefined) logger[level](message);
      else if (objectFirst) (logger[level] as unknown as ObjectFirst).call(logger, facts, message);
      else logger[level](message, facts);
    } catch {
      // There is no better place left to say it.
    }
  };
  return {
    info: (message, facts) => {
      write('info', message, facts);
    },
    warn: (message, facts) => {
      write('warn', message, facts);
    },
    error: (message, facts) => {
      write('error', message, facts);
    },
  };
}

/** True for a pino logger, of whatever version. */
function takesObjectFirst(logger: object | undefined): boolean {
  const methods = logger as Partial<Record<string, unknown>> | undefined;
  return ['bindings', 'setBindings'].every((name) => typeof methods?.[name] === 'function');
}

/** True for a logger that is a stream and has been ended. winston's streams know `writable` only. */
export function hasEnded(logger: object): boolean {
  const stream = logger as { writable?: unknown; writableEnded?: unknown };
  return stream.writable === false || stream.writableEnded === true;
}

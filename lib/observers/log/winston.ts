/** A ready winston logger for services that have none: the only file that imports winston. */

import type { Logger as WinstonLogger } from 'winston';
import { nonEmptyString, optionalBoolean, optionsObject } from '../../common/options.js';

/** The options of `winstonLogger`. */
export interface WinstonLoggerOptions {
  /** The lowest level that is written. Default `info`. */
  readonly level?: string | undefined;
  /** A file to append to. Default: none. */
  readonly file?: string | undefined;
  /** Whether to write to stdout. Default: true without a file, else false. */
  readonly console?: boolean | undefined;
}

/**
 * A winston logger that writes JSON lines with timestamps and the stacks of errors. winston is
 * loaded when this is called.
 * @throws (rejects with) TypeError that names the option that is wrong.
 */
export async function winstonLogger(options?: WinstonLoggerOptions): Promise<WinstonLogger> {
  const given = optionsObject(options, ['level', 'file', 'console']);
  const level = nonEmptyString('the `level` option', given.level ?? 'info');
  const file =
    given.file === undefined ? undefined : nonEmptyString('the `file` option', given.file);
  const toConsole = optionalBoolean('console', given.console, file === undefined);

  const { default: winston } = await import('winston');
  const { combine, errors, json, timestamp } = winston.format;
  return winston.createLogger({
    level,
    silent: !toConsole && file === undefined,
    format: combine(errors({ stack: true, cause: true }), timestamp(), json()),
    transports: [
      ...(toConsole ? [new winston.transports.Console()] : []),
      ...(file === undefined ? [] : [new winston.transports.File({ filename: file })]),
    ],
  });
}

/** Flushes and ends a pino logger. Knows pino by its shape only. */

import { once } from 'node:events';
import type { EventEmitter } from 'node:events';

interface PinoStream extends EventEmitter {
  /** Of a transport: its thread. */
  readonly worker?: unknown;
  /** Of a transport: set before `error` is emitted, which can come after `close`. */
  readonly writableErrored?: Error | null;
  end?(): unknown;
  destroy?(): unknown;
}

export interface PinoLike {
  flush(callback: (error?: Error) => void): unknown;
}

/** pino does not export the symbol itself: it is known by its description. */
const STREAM = 'pino.stream';

export function isPino(value: unknown): value is PinoLike {
  return (
    typeof (value as Partial<PinoLike> | null | undefined)?.flush === 'function' &&
    streamOf(value as object) !== undefined
  );
}

/**
 * Resolves when what was logged is written. A transport is ended, too: its thread has taken the lines
 * by the time `flush` is over, and may not have written them. An error, as on a full disk, rejects.
 */
export async function drainPino(logger: PinoLike, signal: AbortSignal): Promise<void> {
  const stream = streamOf(logger);
  const emits = typeof stream?.on === 'function' ? stream : undefined;
  const failed = new Promise<never>((_, reject) => {
    // It stays: an error that comes later must not end the process either.
    emits?.on('error', reject);
    signal.addEventListener('abort', () => {
      reject(new Error('Log entries may be lost: they were not flushed in time'));
    });
  });
  const flushed = new Promise<void>((resolve, reject) => {
    logger.flush((error) => {
      if (error === undefined || (error as unknown) === null) resolve();
      else reject(error);
    });
  });
  try {
    await Promise.race([failed, flushed]);
  } catch (error) {
    // pino's own listener of the exit would try again to write, on a full disk for ever.
    emits?.destroy?.();
    throw error;
  }
  if (emits?.worker === undefined || typeof emits.end !== 'function') return;
  const closed = once(emits, 'close');
  emits.end();
  await Promise.race([failed, closed]);
  if (emits.writableErrored) throw emits.writableErrored;
}

function streamOf(logger: object): PinoStream | undefined {
  // A child logger inherits it.
  for (
    let at: object | null = logger;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    const symbol = Object.getOwnPropertySymbols(at).find((one) => one.description === STREAM);
    if (symbol !== undefined) return (at as Record<symbol, PinoStream>)[symbol];
  }
  return undefined;
}

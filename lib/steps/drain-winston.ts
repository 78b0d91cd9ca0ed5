/** Drains and ends a winston logger, which by itself loses lines at an exit. Knows winston by its shape only. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Writable } from 'node:stream';
import { hasEnded } from '../shutdown/logger.js';

interface WinstonTransport extends Writable {
  readonly name?: string;
  /** Behind the file transport: the file, whose errors the transport keeps to itself. */
  readonly _dest?: Writable;
  /** What the file and the stream transport write through. */
  readonly _stream?: Writable;
  /** Of the HTTP transport: entries that wait for their batch to be full. */
  readonly batchOptions?: readonly unknown[];
  _doBatchRequest?(done: (error?: Error) => void, auth: unknown, path: unknown): void;
  readonly auth?: unknown;
  readonly path?: unknown;
}

export interface WinstonLike extends Writable {
  readonly transports: readonly WinstonTransport[];
  readonly readableLength: number;
  unpipe(transport: WinstonTransport): unknown;
}

const POLL_MS = 5;

export function isWinston(value: unknown): value is WinstonLike {
  const shape = value as Partial<WinstonLike> | null | undefined;
  return (
    Array.isArray(shape?.transports) &&
    typeof shape.end === 'function' &&
    typeof shape.on === 'function' &&
    typeof shape.unpipe === 'function' &&
    typeof shape.writableLength === 'number'
  );
}

/**
 * Waits until nothing is queued (ending with more than 16 entries queued is `write after end`), then
 * ends the logger and waits for each transport. A transport that has failed is not waited for.
 * @throws AggregateError of what the transports failed with. Error when `signal` aborts, with how
 * many entries were still queued.
 */
export async function drainWinston(logger: WinstonLike, signal: AbortSignal): Promise<void> {
  const transports = logger.transports.map((transport) => new Ending(transport));
  let repeated: Error | undefined;
  // It stays: an error that comes later must not end the process either. What the logger says is
  // mostly what its transports have said.
  logger.on('error', (error: Error) => (repeated ??= error));
  const healthy = (): readonly Ending[] => {
    // One that takes nothing any more would hold back the entries of the others.
    for (const one of transports) if (one.error !== undefined) one.leave(logger);
    return transports.filter((one) => one.error === undefined);
  };
  const queued = (): number => {
    const waiting = healthy();
    const own = waiting.length === 0 ? 0 : logger.writableLength + logger.readableLength;
    return waiting.reduce((sum, one) => sum + one.queued, own);
  };
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      if (signal.aborted) throw new Error(`Log entries may be lost: ${queued()} were still queued`);
      await sleep(POLL_MS);
    }
  };

  await until(() => queued() === 0);
  let sent = false;
  void Promise.all(transports.map((one) => one.sendBatch())).then(() => (sent = true));
  await until(() => sent);
  if (!hasEnded(logger)) logger.end();
  await until(() => healthy().every((one) => one.over));

  const errors = new Set(transports.flatMap(({ error }) => error ?? []));
  if (errors.size === 0 && repeated !== undefined) errors.add(repeated);
  if (errors.size > 0) throw new AggregateError(errors, 'Log entries may be lost');
}

/** One transport on its way to the end. */
class Ending {
  readonly #transport: WinstonTransport;
  #error: Error | undefined;
  #finished: boolean;
  #left = false;

  constructor(transport: WinstonTransport) {
    this.#transport = transport;
    this.#finished = hasEnded(transport) && transport.writableLength === 0;
    transport.on('finish', () => (this.#finished = true));
    for (const source of [transport, ...this.#behind]) {
      source.on('error', (error: Error) => (this.#error ??= error));
    }
  }

  /** What it has failed with. */
  get error(): Error | undefined {
    const behind = this.#behind.find((stream) => stream.errored);
    return this.#error ?? behind?.errored ?? undefined;
  }

  get over(): boolean {
    return this.#finished || this.#transport.destroyed;
  }

  /** Entries, and bytes that are written behind it: above 0 something is not yet written. */
  get queued(): number {
    return this.#behind
      .filter((stream) => !stream.destroyed)
      .reduce((sum, stream) => sum + stream.writableLength, this.#transport.writableLength);
  }

  leave(logger: WinstonLike): void {
    if (this.#left) return;
    this.#left = true;
    logger.unpipe(this.#transport);
  }

  /** Hands over the batch that an HTTP transport would otherwise send seconds later. */
  sendBatch(): Promise<void> {
    const transport = this.#transport;
    if ((transport.batchOptions?.length ?? 0) === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (error?: Error | null): void => {
        this.#error ??= error ?? undefined;
        resolve();
      };
      if (transport._doBatchRequest === undefined) resolve();
      else transport._doBatchRequest(done, transport.auth, transport.path);
    });
  }

  /** The streams that it writes through. The file's is made when the file is opened, or rotated. */
  get #behind(): readonly Writable[] {
    return [this.#transport._dest, this.#transport._stream].filter(isWritable);
  }
}

function isWritable(stream: Writable | undefined): stream is Writable {
  const shape = stream as Partial<Writable> | undefined;
  return typeof shape?.on === 'function' && typeof shape.writableLength === 'number';
}

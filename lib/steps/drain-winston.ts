/** Drains and ends a winston logger, which by itself loses lines at an exit. Knows winston by its shape only. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Writable } from 'node:stream';
import { hasEnded } from '../shutdown/logger.js';
import { HttpSending } from './http-sending.js';

interface WinstonTransport extends Writable {
  readonly name?: string;
  /** Behind the file transport: the file, whose errors the transport keeps to itself. */
  readonly _dest?: Writable;
  /** What the file and the stream transport write through. */
  readonly _stream?: Writable;
  /** Of the HTTP transport: entries that wait for their batch to be full. */
  readonly batchOptions?: readonly unknown[];
  _doRequest?: unknown;
  _doBatchRequest?(done: (error?: Error) => void, auth: unknown, path: unknown): void;
  readonly auth?: unknown;
  readonly path?: unknown;
}

/** The requests of a logger's HTTP transports, by transport. */
export type Sending = ReadonlyMap<object, HttpSending>;

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

/** Watches what the logger's HTTP transports send from now on: they tell nobody what has arrived. */
export function watchHttpTransports(logger: WinstonLike, known?: Sending): Sending {
  const found = logger.transports.filter(({ _doRequest }) => typeof _doRequest === 'function');
  return new Map(found.map((one) => [one, known?.get(one) ?? new HttpSending(one as never)]));
}

/** The files that the logger's transports write to now. */
export function filesOf(logger: WinstonLike): readonly string[] {
  const paths = logger.transports.map(
    ({ _dest }) => (_dest as { path?: unknown } | undefined)?.path,
  );
  return paths.filter((path) => typeof path === 'string');
}

/**
 * Waits until nothing is queued (ending with more than 16 entries queued is `write after end`), then
 * ends the logger and waits for each transport. A transport that has failed is not waited for.
 * @throws AggregateError of what the transports failed with. Error when `signal` aborts, with how
 * many entries were still queued.
 */
export async function drainWinston(
  logger: WinstonLike,
  known: Sending,
  signal: AbortSignal,
): Promise<void> {
  const sending = watchHttpTransports(logger, known);
  for (const one of sending.values()) one.noteFailures();
  const transports = logger.transports.map((one) => new Ending(one, sending.get(one)));
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
  for (const one of transports) one.sendBatch();
  await until(() => queued() === 0);
  if (!hasEnded(logger)) logger.end();
  await until(() => healthy().every((one) => one.over));

  const errors = new Set(transports.flatMap(({ error }) => error ?? []));
  if (errors.size === 0 && repeated !== undefined) errors.add(repeated);
  if (errors.size > 0) throw new AggregateError(errors, 'Log entries may be lost');
}

/** One transport on its way to the end. */
class Ending {
  readonly #transport: WinstonTransport;
  readonly #sending: HttpSending | undefined;
  #error: Error | undefined;
  #finished: boolean;
  #left = false;

  constructor(transport: WinstonTransport, sending: HttpSending | undefined) {
    this.#transport = transport;
    this.#sending = sending;
    this.#finished = hasEnded(transport) && transport.writableLength === 0;
    transport.on('finish', () => (this.#finished = true));
    for (const source of [transport, ...this.#behind]) {
      source.on('error', (error: Error) => (this.#error ??= error));
    }
  }

  /** What it has failed with. */
  get error(): Error | undefined {
    const behind = this.#behind.find((stream) => stream.errored);
    return this.#error ?? behind?.errored ?? this.#sending?.error;
  }

  get over(): boolean {
    return this.#finished || this.#transport.destroyed;
  }

  /** Entries, requests, and bytes that are written behind it: above 0 something is not yet written. */
  get queued(): number {
    const own = this.#transport.writableLength + (this.#sending?.open ?? 0);
    return this.#behind
      .filter((stream) => !stream.destroyed)
      .reduce((sum, stream) => sum + stream.writableLength, own);
  }

  leave(logger: WinstonLike): void {
    if (this.#left) return;
    this.#left = true;
    logger.unpipe(this.#transport);
  }

  /** Hands over the batch that an HTTP transport would otherwise send seconds later. */
  sendBatch(): void {
    const transport = this.#transport;
    if ((transport.batchOptions?.length ?? 0) === 0) return;
    transport._doBatchRequest?.(() => undefined, transport.auth, transport.path);
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

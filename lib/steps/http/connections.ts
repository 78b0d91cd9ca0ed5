/** The HTTP/1.1 connections of one server, from the making of the step on, and how they end. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { InFlight } from './in-flight.js';

interface Connection {
  /** In the order of the requests: a client may send several before the first is answered. */
  readonly responses: Set<ServerResponse>;
  /** Bytes that had come when it was last looked at. */
  received: number;
  /** Since when it has had no request and received nothing, in the time of `performance.now()`. */
  quietSince: number;
  /** Part of a request has come. */
  partial: boolean;
  /** The response that was told to close the connection. */
  closing?: ServerResponse | undefined;
}

/** Part of a request after which nothing has come for so long is given up. */
const STALLED_MS = 1000;
/** Connections that are closed before the system is asked again what it has received on the others. */
const CLOSED_PER_TURN = 16;

export class Connections {
  readonly #inFlight: InFlight;
  readonly #open = new Map<Socket, Connection>();
  #stopping = false;

  constructor(inFlight: InFlight) {
    this.#inFlight = inFlight;
  }

  get size(): number {
    return this.#open.size;
  }

  add(socket: Socket): Connection {
    const known = this.#open.get(socket);
    if (known !== undefined) return known;
    const connection: Connection = {
      responses: new Set(),
      received: socket.bytesRead,
      quietSince: performance.now(),
      partial: false,
    };
    this.#open.set(socket, connection);
    socket.once('close', () => {
      this.#open.delete(socket);
      // A response that still waits for one before it gets no `close` of its own.
      for (const response of connection.responses) this.#answered(socket, connection, response);
    });
    return connection;
  }

  /** An upgraded connection is no longer one of HTTP. */
  remove(socket: Socket): void {
    this.#open.delete(socket);
  }

  requested({ socket }: IncomingMessage, response: ServerResponse): void {
    const connection = this.add(socket);
    if (connection.responses.has(response)) return;
    connection.responses.add(response);
    this.#inFlight.began();
    if (this.#stopping) closeAfterLast(connection);
    response.once('close', () => {
      this.#answered(socket, connection, response);
    });
  }

  /** From now on the last answer on a connection closes it. */
  stop(): void {
    this.#stopping = true;
    for (const connection of this.#open.values()) {
      connection.quietSince = performance.now();
      closeAfterLast(connection);
    }
  }

  /**
   * Closes connections that have been quiet for `lingerMs`. To be called right after the event loop
   * has polled: what a client has sent by then was read, and has made its connection a busy one.
   * Answers whether it is to be called again in the next turn, for the rest.
   */
  closeQuiet(lingerMs: number): boolean {
    let closed = 0;
    for (const [socket, connection] of this.#open) {
      if (closed === CLOSED_PER_TURN) return true;
      if (!isOver(socket, connection, lingerMs)) continue;
      socket.destroy();
      this.#open.delete(socket);
      closed += 1;
    }
    return false;
  }

  #answered(socket: Socket, connection: Connection, response: ServerResponse): void {
    if (!connection.responses.delete(response)) return;
    connection.partial = false;
    connection.received = socket.bytesRead;
    connection.quietSince = performance.now();
    this.#inFlight.ended();
  }
}

function isOver(socket: Socket, connection: Connection, lingerMs: number): boolean {
  if (connection.responses.size > 0) return false;
  const now = performance.now();
  if (socket.bytesRead !== connection.received) {
    connection.received = socket.bytesRead;
    connection.quietSince = now;
    connection.partial = true;
  }
  const limitMs = connection.partial ? Math.max(STALLED_MS, lingerMs) : lingerMs;
  return now - connection.quietSince >= limitMs;
}

function closeAfterLast(connection: Connection): void {
  const last = [...connection.responses].at(-1);
  if (last === undefined || last === connection.closing) return;
  // An earlier one would close the connection before the last is answered.
  if (connection.closing?.headersSent === false) connection.closing.removeHeader('Connection');
  if (last.headersSent) return;
  last.setHeader('Connection', 'close');
  connection.closing = last;
}

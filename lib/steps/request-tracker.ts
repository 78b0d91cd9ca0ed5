/** Knows the connections of one server and the requests in flight on them, from its making on. */

import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';

interface Connection {
  /** Bytes that had come when it was opened. */
  readonly received: number;
  /** In the order of the requests: a client may send several before the first is answered. */
  readonly responses: Set<ServerResponse>;
  used: boolean;
  /** The response that was told to close the connection. */
  closing?: ServerResponse | undefined;
}

export class RequestTracker {
  readonly #server: HttpServer | HttpsServer;
  readonly #connections = new Map<Socket, Connection>();
  #ended: (() => void) | undefined;
  #open = 0;
  #total = 0;

  constructor(server: HttpServer | HttpsServer) {
    this.#server = server;
    // Before the service's own listener, which may send the headers at once.
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#requested(request.socket, response);
    });
    // With TLS both come, for the two ends of one connection.
    for (const event of ['connection', 'secureConnection']) {
      server.on(event, (socket: Socket) => this.#connectionOf(socket));
    }
  }

  /** Requests in flight. */
  get open(): number {
    return this.#open;
  }

  /** Requests since `stop()`, and those that were in flight then. */
  get total(): number {
    return this.#total;
  }

  /** From now on the last answer on a connection closes it; `ended` is called after each answer. */
  stop(ended: () => void): void {
    this.#ended = ended;
    this.#total = this.#open;
    for (const connection of this.#connections.values()) closeAfterLast(connection);
  }

  /**
   * Closes the connections on which nothing was ever sent. Node does not count them as idle, and
   * browsers open such connections in advance.
   */
  closeSilent(): void {
    for (const [socket, { used, received }] of this.#connections) {
      if (!used && socket.bytesRead === received) socket.destroy();
    }
  }

  /** Closes everything, and answers how many requests that cut. */
  destroyAll(): number {
    const cut = this.#open;
    this.#server.closeAllConnections();
    // Those that Node has handed over: upgraded ones, and TLS handshakes.
    for (const socket of this.#connections.keys()) socket.destroy();
    return cut;
  }

  #connectionOf(socket: Socket): Connection {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const connection = {
      received: socket.bytesRead,
      responses: new Set<ServerResponse>(),
      used: false,
    };
    this.#connections.set(socket, connection);
    socket.once('close', () => {
      this.#connections.delete(socket);
      // A response that still waits for one before it gets no `close` of its own.
      for (const response of connection.responses) this.#answered(connection, response);
    });
    return connection;
  }

  #requested(socket: Socket, response: ServerResponse): void {
    const connection = this.#connectionOf(socket);
    connection.used = true;
    connection.responses.add(response);
    this.#open += 1;
    if (this.#ended !== undefined) {
      this.#total += 1;
      closeAfterLast(connection);
    }
    response.once('close', () => {
      this.#answered(connection, response);
    });
  }

  #answered(connection: Connection, response: ServerResponse): void {
    if (!connection.responses.delete(response)) return;
    this.#open -= 1;
    // The connection counts as idle only after this turn.
    setImmediate(() => this.#ended?.());
  }
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

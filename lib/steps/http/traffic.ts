/** All that is open on one server, by protocol: its connections, sessions, upgrades and requests. */

import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import type { Http2SecureServer, Http2Server, ServerHttp2Session } from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { Connections } from './connections.js';
import { InFlight } from './in-flight.js';
import { listenAlong } from './listen-along.js';
import { Sessions } from './sessions.js';
import { Upgrades, type Farewell } from './upgrades.js';

/** A server of `node:http`, `node:https` or `node:http2`. */
export type AnyHttpServer = HttpServer | HttpsServer | Http2Server | Http2SecureServer;

/** What is told to the drain while it runs. */
export interface TrafficListener {
  /** A request or a connection has ended. */
  readonly changed: () => void;
  /** A farewell threw. */
  readonly farewellFailed: (error: unknown) => void;
}

export class Traffic {
  readonly upgrades: Upgrades;
  readonly #inFlight = new InFlight(() => this.#listener?.changed());
  readonly #connections = new Connections(this.#inFlight);
  readonly #sessions = new Sessions(this.#inFlight);
  /** Every socket, also one in a TLS handshake and one whose HTTP has ended. */
  readonly #sockets = new Set<Socket>();
  #listener: TrafficListener | undefined;
  #accepted = 0;

  constructor(server: AnyHttpServer, farewell: Farewell | undefined) {
    this.upgrades = new Upgrades(farewell);
    const speaksHttp2 = 'updateSettings' in server;
    const isTls = 'setSecureContext' in server;
    server.prependListener('connection', (socket: Socket) => {
      this.#accepted += 1;
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        this.#listener?.changed();
      });
      if (!isTls && !speaksHttp2) this.#connections.add(socket);
    });
    server.prependListener('secureConnection', (socket: Socket & { alpnProtocol?: unknown }) => {
      if (!speaksHttp2 || socket.alpnProtocol !== 'h2') this.#connections.add(socket);
    });
    server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.add(session);
    });
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      listenAlong(server, event, (request: IncomingMessage, response: ServerResponse) => {
        // Those of HTTP/2 are counted as streams.
        if (request.httpVersionMajor < 2) this.#connections.requested(request, response);
      });
    }
    for (const event of ['upgrade', 'connect']) {
      listenAlong(server, event, (request: IncomingMessage, socket: Socket) => {
        if (request.httpVersionMajor >= 2) return;
        this.#connections.remove(socket);
        this.upgrades.add(request, socket);
      });
    }
  }

  /** Connections that were ever accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Requests in flight. */
  get open(): number {
    return this.#inFlight.open;
  }

  /** Requests since `stop()`, and those that were in flight then. */
  get total(): number {
    return this.#inFlight.total;
  }

  /** Nothing is open in any protocol, whatever is open below. */
  get isSilent(): boolean {
    return this.open === 0 && this.#connections.size === 0 && this.upgrades.size === 0;
  }

  /** Tells every client that the connection is to end. */
  stop(listener: TrafficListener): void {
    this.#listener = listener;
    this.#inFlight.startCounting();
    this.#connections.stop();
    this.#sessions.announce();
    this.upgrades.stop(listener.farewellFailed);
  }

  /** Like `Connections.closeQuiet`. */
  closeQuiet(lingerMs: number): boolean {
    return this.#connections.closeQuiet(lingerMs);
  }

  closeSessions(): void {
    this.#sessions.close();
  }

  /** Closes everything, and answers how many requests that cut. */
  destroyAll(): number {
    const cut = this.open;
    this.#sessions.destroyAll();
    this.upgrades.destroyAll();
    for (const socket of this.#sockets) socket.destroy();
    return cut;
  }
}

/** Connections that HTTP has handed over, as WebSockets: they end by a farewell, or at a limit. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * Says goodbye in the protocol that `socket` was upgraded to, as by a WebSocket's close frame. What it
 * returns is not waited for: the connection is, until it is closed or its limit is reached.
 */
export type Farewell = (socket: Duplex, request: IncomingMessage) => unknown;

export class Upgrades {
  readonly #farewell: Farewell | undefined;
  readonly #open = new Map<Duplex, IncomingMessage>();
  #failed: ((error: unknown) => void) | undefined;
  #total = 0;

  constructor(farewell: Farewell | undefined) {
    this.#farewell = farewell;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Those that were open when the stop began, and those that came after. */
  get total(): number {
    return this.#total;
  }

  add(request: IncomingMessage, socket: Duplex): void {
    if (this.#open.has(socket)) return;
    this.#open.set(socket, request);
    socket.once('close', () => this.#open.delete(socket));
    if (this.#failed === undefined) return;
    this.#total += 1;
    // After the service has answered the upgrade.
    setImmediate(() => {
      this.#part(socket, request);
    });
  }

  /** `failed` is told what a farewell throws; its connection is destroyed. */
  stop(failed: (error: unknown) => void): void {
    this.#failed = failed;
    this.#total = this.#open.size;
    for (const [socket, request] of this.#open) this.#part(socket, request);
  }

  destroyAll(): number {
    const count = this.#open.size;
    for (const socket of this.#open.keys()) socket.destroy();
    this.#open.clear();
    return count;
  }

  #part(socket: Duplex, request: IncomingMessage): void {
    const farewell = this.#farewell;
    if (farewell === undefined || socket.destroyed) return;
    // A client that has gone meanwhile must not end the process.
    socket.on('error', () => undefined);
    new Promise((resolve) => {
      resolve(farewell(socket, request));
    }).catch((error: unknown) => {
      this.#failed?.(error);
      socket.destroy();
    });
  }
}

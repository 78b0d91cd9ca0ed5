/** HTTP servers under a shutdown, and clients that are closed when the test is over. */

import { afterEach } from '@jest/globals';
import { once, type EventEmitter } from 'node:events';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import type { ShutdownReport } from '../../lib/shutdown/report.js';
import { httpServer, type HttpServerOptions } from '../../lib/steps/http-server.js';
import type { AnyHttpServer } from '../../lib/steps/http/traffic.js';
import { fakeShutdown } from './shutdown.js';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Runs `cleanup` after the test. */
export function later(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export interface Served {
  readonly port: number;
  readonly stop: (timeoutMs?: number) => Promise<ShutdownReport>;
}

/** Makes the step, and lets the server listen. */
export async function serve(server: AnyHttpServer, options?: HttpServerOptions): Promise<Served> {
  const step = httpServer(server, options);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  later(() => {
    if (server.listening) server.close();
    for (const socket of sockets) socket.destroy();
  });
  (server as Server).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: (timeoutMs = 5000) => fakeShutdown({ timeoutMs }).add(step).start(),
  };
}

/** Resolves when the server takes no connections any more. */
export async function stoppedListening(server: AnyHttpServer): Promise<void> {
  while (server.listening) await new Promise(setImmediate);
}

/** A client of plain bytes, and what it has received. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  text = '';

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    later(() => this.socket.destroy());
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('error', () => undefined);
    this.socket.on('data', (data: Buffer) => (this.text += data.toString()));
  }

  send(text: string): void {
    this.socket.write(text);
  }

  async saw(text: string): Promise<void> {
    while (!this.text.includes(text)) await once(this.socket, 'data');
  }
}

/** Resolves when `emitter` has emitted `event` `times` times from now on. */
export function happened(emitter: EventEmitter, event: string, times = 1): Promise<void> {
  let left = times;
  return new Promise((resolve) => {
    const listener = (): void => {
      left -= 1;
      if (left > 0) return;
      emitter.removeListener(event, listener);
      resolve();
    };
    emitter.on(event, listener);
  });
}

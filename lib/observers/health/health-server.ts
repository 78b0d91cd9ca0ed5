/** Answers probes and scrapes over HTTP, read-only: nothing that comes in can change anything. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { http } from '../../common/builtins.js';
import { expected } from '../../common/expected.js';
import { nonEmptyString, optionsObject } from '../../common/options.js';
import { newRegistry } from '../metrics/metrics.js';
import type { Watched } from '../watched.js';
import { followCourse } from './course.js';

/** The options of `healthServer`. */
export interface HealthServerOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Default `127.0.0.1`; probes from outside, as the kubelet's, need `0.0.0.0` or `::`. */
  readonly host?: string | undefined;
  /** What `/metrics` shows. Default: a registry with the metrics of this shutdown only. */
  readonly registry?: Pick<Registry, 'metrics' | 'contentType'> | undefined;
}

/** A server that `healthServer` has started. */
export interface HealthServer {
  readonly port: number;
  /** Resolves when the port is free again. */
  readonly close: () => Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const OPTION_NAMES = ['port', 'host', 'registry'] as const;
const TEXT = 'text/plain; charset=utf-8';

/** A client has this long to say what it wants: one that says nothing must not hold a socket. */
const REQUEST_MS = 5000;

/**
 * Serves `/livez`, `/readyz`, `/shutdown` and `/metrics`. It keeps the process alive no longer than
 * it lives without it.
 * @throws (rejects with) TypeError or RangeError for a bad option; Error, with the `code` of the
 * system, when it cannot listen.
 */
export async function healthServer(
  shutdown: Watched,
  options: HealthServerOptions,
): Promise<HealthServer> {
  const given = optionsObject(options, OPTION_NAMES);
  const port = portOf(given.port);
  const host = nonEmptyString('the `host` option', given.host ?? '127.0.0.1');
  const course = followCourse(shutdown);
  const registry =
    given.registry === undefined ? newRegistry(shutdown) : Promise.resolve(given.registry);
  // Whoever scrapes is told; without a scrape nobody misses it.
  registry.catch(() => undefined);

  const routes: Readonly<Record<string, () => Answer | Promise<Answer>>> = {
    '/livez': () => ({ status: 200, type: TEXT, body: 'ok\n' }),
    '/readyz': () =>
      shutdown.signal.aborted
        ? { status: 503, type: TEXT, body: 'shutting down\n' }
        : { status: 200, type: TEXT, body: 'ok\n' },
    '/shutdown': () => ({
      status: 200,
      type: 'application/json',
      body: `${JSON.stringify(course())}\n`,
    }),
    '/metrics': async () => {
      const { contentType, metrics } = bound(await registry);
      return { status: 200, type: contentType, body: await metrics() };
    },
  };
  const server = http().createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS });
  server.on('request', (request, response) => void serve(routes, request, response));
  server.on('clientError', (_, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  // Open connections hold the process no more than the server does.
  server.on('connection', (socket) => socket.unref());
  await listening(server, port, host);
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function serve(
  routes: Readonly<Record<string, () => Answer | Promise<Answer>>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  const write = ({ status, type, body }: Answer): void => {
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  if (route === undefined) {
    write({ status: 404, type: TEXT, body: 'not found\n' });
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    // Its body is not read: the connection is of no more use.
    response.setHeader('Connection', 'close');
    write({ status: 405, type: TEXT, body: 'method not allowed\n' });
  } else {
    try {
      write(await route());
    } catch {
      write({ status: 500, type: TEXT, body: 'the metrics could not be collected\n' });
    }
  }
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
      const message = `The health server could not listen on ${host}:${port}: ${why}`;
      reject(Object.assign(new Error(message, { cause }), { code: cause.code }));
    });
    server.listen(port, host, () => {
      // What fails from now on concerns single connections only.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

function bound(registry: Pick<Registry, 'metrics' | 'contentType'>): {
  readonly contentType: string;
  readonly metrics: () => Promise<string>;
} {
  return { contentType: registry.contentType, metrics: () => registry.metrics() };
}

function portOf(value: unknown): number {
  const message = (): string => expected('the `port` option', 'a port number, 0 to 65535', value);
  if (typeof value !== 'number') throw new TypeError(message());
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new RangeError(message());
  return value;
}

/** A step that drains an HTTP server, of HTTP/1.1 or HTTP/2. */

import { expected } from '../common/expected.js';
import {
  nonEmptyString,
  nonNegativeMs,
  optionalFunction,
  optionsObject,
  positiveMs,
} from '../common/options.js';
import type { Step } from '../shutdown/step.js';
import { drain } from './http/drain.js';
import { Traffic, type AnyHttpServer } from './http/traffic.js';
import type { Farewell } from './http/upgrades.js';

export type { HttpServerDetails } from './http/drain.js';

/** The options of `httpServer`. */
export interface HttpServerOptions {
  /** Default `http`. A second server needs a name of its own. */
  readonly name?: string | undefined;
  /** Milliseconds after which requests that are still open are cut. Default: the step's deadline. */
  readonly graceMs?: number | undefined;
  /**
   * Milliseconds for which an idle connection stays open, so that a request that is already on its
   * way is answered. Default 100.
   */
  readonly lingerMs?: number | undefined;
  /** Called for every upgraded connection, to say goodbye in its protocol. */
  readonly farewell?: Farewell | undefined;
  /** Milliseconds after which upgraded connections that are still open are destroyed. Default 5,000. */
  readonly farewellMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  /** Default 500. */
  readonly reserveMs?: number | undefined;
}

const OPTION_NAMES = [
  'name',
  'graceMs',
  'lingerMs',
  'farewell',
  'farewellMs',
  'timeoutMs',
  'reserveMs',
] as const;

/**
 * A step of the phase `intake` that drains a server of `node:http`, `node:https` or `node:http2`.
 * Requests are counted from the making of the step on: make it before the server listens. A request
 * that has to be cut, at `graceMs` or at the step's deadline, fails the step: it had been accepted.
 * @throws TypeError when `server` is no such server, or an option is wrong.
 */
export function httpServer(server: AnyHttpServer, options?: HttpServerOptions): Step {
  checkServer(server);
  const given = optionsObject(options, OPTION_NAMES);
  const name = nonEmptyString('the `name` option', given.name ?? 'http');
  const limits = {
    graceMs: positiveMs('graceMs', given.graceMs, Infinity),
    lingerMs: nonNegativeMs('lingerMs', given.lingerMs, 100),
    farewellMs: positiveMs('farewellMs', given.farewellMs, 5000),
  };
  const traffic = new Traffic(server, optionalFunction('farewell', given.farewell));
  return {
    name,
    phase: 'intake',
    timeoutMs: given.timeoutMs,
    reserveMs: given.reserveMs ?? 500,
    run: (context) => drain(server, traffic, limits, context),
  };
}

/** By shape: the servers share only `net.Server`, which is no HTTP server. */
function checkServer(server: unknown): void {
  const shape = server as Partial<Record<string, unknown>> | null | undefined;
  const isServer = ['close', 'address', 'prependListener'].every(
    (method) => typeof shape?.[method] === 'function',
  );
  const speaksHttp = ['closeIdleConnections', 'updateSettings'].some(
    (method) => typeof shape?.[method] === 'function',
  );
  if (isServer && speaksHttp) return;
  throw new TypeError(
    expected('the server', 'a server of node:http, node:https or node:http2', server),
  );
}

/** Drains an HTTP/1.1 server: no new connections, every accepted request answered, nothing left open. */

import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { expected } from '../common/expected.js';
import { nonEmptyString, optionsObject, positiveMs } from '../common/options.js';
import type { Step, StepContext } from '../shutdown/step.js';
import { RequestTracker } from './request-tracker.js';

export interface HttpServerOptions {
  /** Default `http`. */
  readonly name?: string | undefined;
  /** Milliseconds after which requests that are still open are cut. Default: the step's deadline. */
  readonly graceMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  /** Default 500. */
  readonly reserveMs?: number | undefined;
}

export interface HttpServerDetails {
  /** Requests in flight when the drain began, and those that came on open connections after that. */
  readonly inFlight: number;
  /** Those of them that ended by themselves: answered, or given up by the client. */
  readonly drained: number;
  /** Those that were cut. */
  readonly destroyed: number;
}

const OPTION_NAMES = ['name', 'graceMs', 'timeoutMs', 'reserveMs'] as const;

/** How often idle connections are looked for: one that becomes idle after `close()` stays open. */
const SWEEP_MS = 25;
/** A connection that has not sent a byte for this long into the drain is taken to want nothing. */
const SILENT_MS = 100;

/**
 * A step of the phase `intake` that drains a server of `node:http` or `node:https`. Requests are
 * counted from the making of the step on: make it before the server listens. A request that has to be
 * cut, at `graceMs` or at the step's deadline, fails the step: it had been accepted. Upgraded
 * connections are waited for as well, and closed at the end.
 * @throws TypeError when `server` is no such server, or an option is wrong.
 */
export function httpServer(server: HttpServer | HttpsServer, options?: HttpServerOptions): Step {
  checkServer(server);
  const given = optionsObject(options, OPTION_NAMES);
  const name = nonEmptyString('the `name` option', given.name ?? 'http');
  const graceMs = positiveMs('graceMs', given.graceMs, Infinity);
  const tracker = new RequestTracker(server);
  return {
    name,
    phase: 'intake',
    timeoutMs: given.timeoutMs,
    reserveMs: given.reserveMs ?? 500,
    run: (context) => drain(server, tracker, graceMs, context),
  };
}

async function drain(
  server: HttpServer | HttpsServer,
  tracker: RequestTracker,
  graceMs: number,
  context: StepContext,
): Promise<HttpServerDetails> {
  const beganAt = performance.now();
  // What the system has accepted in this turn gets its request first.
  await new Promise(setImmediate);
  let closed = !server.listening;
  let wake = (): void => undefined;
  if (!closed) {
    server.close(() => {
      closed = true;
      wake();
    });
  }
  tracker.stop(() => {
    server.closeIdleConnections();
    wake();
  });
  context.signal.addEventListener('abort', () => {
    wake();
  });
  const done = (): boolean => closed && tracker.open === 0;
  const over = (): boolean => context.signal.aborted || performance.now() - beganAt >= graceMs;
  let told = -1;
  while (!done() && !over()) {
    server.closeIdleConnections();
    if (tracker.open === 0 && performance.now() - beganAt >= SILENT_MS) tracker.closeSilent();
    if (told !== tracker.open) {
      told = tracker.open;
      context.progress(tracker.total - told, tracker.total, `${count(told)} in flight`);
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, SWEEP_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  const destroyed = done() ? 0 : tracker.destroyAll();
  const drained = tracker.total - destroyed;
  const cut = destroyed === 0 ? '' : `, ${destroyed} cut`;
  context.progress(drained, tracker.total, `${count(drained)} drained${cut}`);
  const details = { inFlight: tracker.total, drained, destroyed };
  if (destroyed === 0) return details;
  throw Object.assign(new Error(`${count(destroyed)} had to be cut before the answer was sent`), {
    details,
  });
}

function count(requests: number): string {
  return requests === 1 ? '1 request' : `${requests} requests`;
}

/** By shape: servers of `node:http` and `node:https` share no class. */
function checkServer(server: unknown): void {
  const shape = server as Partial<HttpServer> | null | undefined;
  const methods = [
    shape?.close,
    shape?.closeIdleConnections,
    shape?.closeAllConnections,
    shape?.on,
  ];
  if (methods.every((method) => typeof method === 'function')) return;
  throw new TypeError(expected('the server', 'a server of node:http or node:https', server));
}

/** The drain of one server: no new connections, every accepted request answered, nothing left open. */

import { setImmediate as turn } from 'node:timers/promises';
import { net } from '../../common/builtins.js';
import { limitTimer } from '../../common/limit-timer.js';
import type { StepContext } from '../../shutdown/step.js';
import type { AnyHttpServer, Traffic } from './traffic.js';

export interface DrainLimits {
  readonly graceMs: number;
  readonly lingerMs: number;
  readonly farewellMs: number;
}

/** What the step of `httpServer` reports as its details. */
export interface HttpServerDetails {
  /** Requests in flight when the drain began, and those that came on open connections after that. */
  readonly inFlight: number;
  /** Those of them that ended by themselves: answered, or given up by the client. */
  readonly drained: number;
  /** Those that were cut. */
  readonly destroyed: number;
  /** Upgraded connections, as WebSockets, that were open when the drain began or came after. */
  readonly upgraded: number;
  /** Those of them that had not closed by their limit. */
  readonly upgradesDestroyed: number;
}

/** How often quiet connections are looked for. */
const SWEEP_MS = 25;
/** How long connections that the system holds ready are still taken. */
const ACCEPT_MS = 500;
/** A turn that is over within this time has polled within it; so many are tried. */
const FRESH_MS = 1;
const POLL_TURNS = 8;
/** A client that has been told that its connection ends has so long to close its side. */
const CLOSING_MS = 1000;
/** How long before the step's deadline the farewells end, so that they do not fail the step. */
const MARGIN_MS = 100;

export async function drain(
  server: AnyHttpServer,
  traffic: Traffic,
  limits: DrainLimits,
  context: StepContext,
): Promise<HttpServerDetails> {
  await acceptWaiting(traffic);
  const beganAt = performance.now();
  const elapsed = (): number => performance.now() - beganAt;
  const sleeper = new Sleeper();
  const wake = sleeper.wake.bind(sleeper);
  let closed = !server.listening;
  if (!closed) {
    stopListening(server, () => {
      closed = true;
      wake();
    });
  }
  traffic.stop({
    changed: wake,
    farewellFailed: (error) => context.logger.warn('A farewell failed', { error }),
  });
  context.signal.addEventListener('abort', wake);
  // Its own timer, which a client that is never quiet cannot put off.
  const grace = limitTimer(limits.graceMs, wake);

  const farewellMs = Math.min(limits.farewellMs, context.remainingMs() - MARGIN_MS);
  let upgradesDestroyed = 0;
  let silentSince: number | undefined;
  let told = -1;
  while (!(closed && traffic.open === 0)) {
    if (context.signal.aborted || elapsed() >= limits.graceMs) break;
    if (told !== traffic.open) {
      told = traffic.open;
      context.progress(traffic.total - told, traffic.total, `${count(told)} in flight`);
    }
    if (elapsed() >= limits.lingerMs) traffic.closeSessions();
    if (elapsed() >= farewellMs) upgradesDestroyed += traffic.upgrades.destroyAll();
    while (traffic.closeQuiet(limits.lingerMs)) await freshlyPolled();
    silentSince = traffic.isSilent ? (silentSince ?? elapsed()) : undefined;
    if (silentSince !== undefined && elapsed() - silentSince >= limits.lingerMs + CLOSING_MS) {
      // The second is for connections that were open before the step was made.
      traffic.destroyAll();
      if ('closeIdleConnections' in server) server.closeIdleConnections();
    }
    await sleeper.sleep(SWEEP_MS);
    await freshlyPolled();
  }
  clearTimeout(grace);
  upgradesDestroyed += closed ? 0 : traffic.upgrades.size;
  const destroyed = closed && traffic.open === 0 ? 0 : destroyAll(server, traffic);
  return concluded(traffic, destroyed, upgradesDestroyed, context);
}

/**
 * Takes the connections that the system has accepted: else it would reset them. Node takes one in each
 * turn of the event loop, and the first turn that ends may have polled before.
 */
async function acceptWaiting(traffic: Traffic): Promise<void> {
  const until = performance.now() + ACCEPT_MS;
  for (let quiet = 0; quiet < 2 && performance.now() < until;) {
    const before = traffic.accepted;
    await turn();
    quiet = traffic.accepted === before ? quiet + 1 : 0;
  }
}

/**
 * Resolves when what the system had received a moment ago has been read. A turn that took longer has
 * handled requests since it polled, and others may have come meanwhile.
 */
async function freshlyPolled(): Promise<void> {
  for (let turns = 0; turns < POLL_TURNS; turns += 1) {
    const before = performance.now();
    await turn();
    if (turns > 0 && performance.now() - before < FRESH_MS) return;
  }
}

/**
 * `close` of an HTTP server would also close its idle connections at once, and with them requests
 * that are on their way: `net`'s only stops listening.
 */
function stopListening(server: AnyHttpServer, closed: () => void): void {
  const { Server } = net();
  if (server instanceof Server) Server.prototype.close.call(server, closed);
  else (server as AnyHttpServer).close(closed);
}

function destroyAll(server: AnyHttpServer, traffic: Traffic): number {
  const cut = traffic.destroyAll();
  if ('closeAllConnections' in server) server.closeAllConnections();
  return cut;
}

function concluded(
  traffic: Traffic,
  destroyed: number,
  upgradesDestroyed: number,
  context: StepContext,
): HttpServerDetails {
  const drained = traffic.total - destroyed;
  const details = {
    inFlight: traffic.total,
    drained,
    destroyed,
    upgraded: traffic.upgrades.total,
    upgradesDestroyed,
  };
  const cut = destroyed === 0 ? '' : `, ${destroyed} cut`;
  context.progress(drained, traffic.total, `${count(drained)} drained${cut}`);
  if (destroyed === 0) return details;
  throw Object.assign(new Error(`${count(destroyed)} had to be cut before the answer was sent`), {
    details,
  });
}

function count(requests: number): string {
  return requests === 1 ? '1 request' : `${requests} requests`;
}

/** Sleeps until its time is over or it is woken; a wake that comes before the sleep is kept. */
class Sleeper {
  #woken = false;
  #end: (() => void) | undefined;

  wake(): void {
    this.#woken = true;
    this.#end?.();
  }

  async sleep(ms: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#woken = false;
  }
}

/** The HTTP/2 sessions of one server, from the making of the step on, and how they end. */

import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { http2 } from '../../common/builtins.js';
import type { InFlight } from './in-flight.js';

/** A GOAWAY with this stream announces the end, and refuses nothing yet (RFC 9113, 6.8). */
const LAST_STREAM = 2 ** 31 - 1;

export class Sessions {
  readonly #inFlight: InFlight;
  readonly #open = new Set<ServerHttp2Session>();
  #state: 'serving' | 'announced' | 'closed' = 'serving';

  constructor(inFlight: InFlight) {
    this.#inFlight = inFlight;
  }

  add(session: ServerHttp2Session): void {
    this.#open.add(session);
    session.once('close', () => this.#open.delete(session));
    session.prependListener('stream', (stream: ServerHttp2Stream) => {
      this.#inFlight.began();
      stream.once('close', () => {
        this.#inFlight.ended();
      });
    });
    if (this.#state !== 'serving') announce(session);
    if (this.#state === 'closed') session.close();
  }

  /** Asks every client to send no more; what it has sent by the time it hears that is answered. */
  announce(): void {
    this.#state = 'announced';
    for (const session of this.#open) announce(session);
  }

  /** Refuses streams that come now. A session ends with its last stream. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const session of this.#open) session.close();
  }

  destroyAll(): void {
    for (const session of this.#open) session.destroy();
  }
}

function announce(session: ServerHttp2Session): void {
  if (!session.destroyed) session.goaway(http2().constants.NGHTTP2_NO_ERROR, LAST_STREAM);
}

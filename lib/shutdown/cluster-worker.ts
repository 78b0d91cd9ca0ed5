/** A cluster worker's place in the shutdown of its primary. Process lifetime, as the channel. */

import type { Cluster } from 'node:cluster';
import { createRequire } from 'node:module';
import { listenToChannel } from './ipc.js';
import { asRequest, type ShutdownRequest } from './request.js';

/** The one key of the messages between primary and workers, which the service's own share a channel with. */
export const MESSAGE_KEY = 'cuda-shutdown';

export interface ToClusterWorker {
  readonly [MESSAGE_KEY]: { readonly ask: ShutdownRequest };
}
export interface FromClusterWorker {
  readonly [MESSAGE_KEY]: { readonly begun: true };
}

export interface ClusterPlace {
  /** Tells the primary that the shutdown runs: it then sends no signal, which would be a second one. */
  begun(): void;
  /** The shutdown has ended, and the process goes on: the channel must not hold it. */
  over(): void;
  close(): void;
}

export interface ClusterEvents {
  /** The primary asks; possibly again. */
  readonly asked: (request: ShutdownRequest) => void;
  /** The primary is gone. */
  readonly lost: () => void;
}

/** Undefined where the process is no cluster worker. */
export function joinCluster({ asked, lost }: ClusterEvents): ClusterPlace | undefined {
  if (process.send === undefined || process.channel === undefined) return undefined;
  // Only here: a process without a channel need not load it.
  const cluster = createRequire(import.meta.url)('node:cluster') as Cluster;
  const worker = cluster.isWorker ? cluster.worker : undefined;
  if (worker === undefined) return undefined;
  let wasAsked = false;
  let isOver = false;
  const begun = (): void => {
    const message: FromClusterWorker = { [MESSAGE_KEY]: { begun: true } };
    // With a callback, as a failure is else an error of the process. The primary may be gone.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  };
  const disconnect = (): void => {
    if (!wasAsked || !isOver || !process.connected) return;
    worker.exitedAfterDisconnect = true;
    process.disconnect();
  };
  const stops = [
    listenToChannel('message', (message) => {
      const { ask } = Object((Object(message) as Record<string, unknown>)[MESSAGE_KEY]) as Partial<
        ToClusterWorker[typeof MESSAGE_KEY]
      >;
      const request = asRequest(ask);
      if (request === undefined) return;
      wasAsked = true;
      begun();
      asked(request);
      disconnect();
    }),
    listenToChannel(
      'disconnect',
      () => {
        // The listener of Node's own, which stands behind, would end the process on the spot, with 0.
        if (isOver || worker.exitedAfterDisconnect) return;
        worker.exitedAfterDisconnect = true;
        lost();
      },
      'first',
    ),
  ];
  return {
    begun,
    over: () => {
      isOver = true;
      disconnect();
    },
    close: () => {
      for (const stop of stops.splice(0)) stop();
    },
  };
}

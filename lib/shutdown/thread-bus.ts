/**
 * What the main thread and the shutdowns of worker threads say to each other. One channel reaches all
 * threads of the process, also those that a worker has started.
 */

import { workerThreadsModule } from '../common/builtins.js';
import type { ShutdownReport } from './report.js';
import type { ShutdownRequest } from './request.js';

/** From the main thread to one worker. `leave`: the thread may end. */
export type ToThread =
  | { readonly to: number; readonly ask: ShutdownRequest }
  | { readonly to: number; readonly leave: true };

export interface FromThread {
  readonly from: number;
  readonly report: ShutdownReport;
  /** Whether the thread will end by itself. */
  readonly exits: boolean;
}

export interface Bus<Out> {
  /** What has been posted reaches the others even when this thread ends at once. */
  post(message: Out): void;
  close(): void;
}

/** A seat on the bus. It does not keep the event loop alive. */
export function openBus<Out extends object>(receive: (message: object) => void): Bus<Out> {
  const { BroadcastChannel } = workerThreadsModule();
  const channel = new BroadcastChannel('cuda-shutdown');
  channel.onmessage = (event: unknown) => {
    const { data } = event as { data: unknown };
    if (typeof data === 'object' && data !== null) receive(data);
  };
  // After the listener, which holds the loop.
  (channel as unknown as { unref(): void }).unref();
  return {
    post: (message) => {
      channel.postMessage(message);
    },
    close: () => {
      channel.close();
    },
  };
}

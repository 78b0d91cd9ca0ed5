/** A worker thread's place in the shutdown of its process. Thread lifetime. */

import { setImmediate as turn } from 'node:timers/promises';
import { workerThreadsModule } from '../common/builtins.js';
import { plain } from '../common/json.js';
import { deferred } from '../common/deferred.js';
import type { ShutdownReport } from './report.js';
import { asRequest, type ShutdownRequest } from './request.js';
import { openBus, type FromThread } from './thread-bus.js';

/** The list of threads with shutdowns of their own, which a thread leaves by itself when it ends. */
export interface ThreadList {
  enter(threadId: number): void;
  leave(): void;
}

export interface ThreadPlace {
  /** Hands the report to the main thread. */
  report(report: ShutdownReport): void;
  /**
   * Resolves when the thread may end. Its end would end the threads that it has started, and abort the
   * process where one is inside native work: once the main thread has asked, all wait for all.
   */
  mayEnd(): Promise<void>;
  close(): void;
}

export function takePlace(
  list: ThreadList,
  exits: boolean,
  asked: (request: ShutdownRequest) => void,
): ThreadPlace {
  const left = deferred<undefined>();
  let awaited = false;
  let last: FromThread | undefined;
  const bus = openBus<FromThread>((message) => {
    const { to, ask, leave } = message as { to?: unknown; ask?: unknown; leave?: unknown };
    if (to !== workerThreadsModule().threadId) return;
    if (leave === true) left.resolve(undefined);
    const request = asRequest(ask);
    if (request === undefined) return;
    awaited = true;
    if (last === undefined) asked(request);
    else bus.post(last);
  });
  // Behind the listening: who stands in the list is asked.
  list.enter(workerThreadsModule().threadId);
  return {
    report: (report) => {
      // What a step gave back may be nothing that can be posted.
      last = {
        from: workerThreadsModule().threadId,
        report: plain(report) as ShutdownReport,
        exits,
      };
      bus.post(last);
    },
    mayEnd: async () => {
      if (awaited) {
        await left.promise;
        return;
      }
      // One that is asked while it ends would not answer. What was asked before is heard in these turns.
      list.leave();
      await turn();
      await turn();
    },
    close: () => {
      list.leave();
      bus.close();
    },
  };
}

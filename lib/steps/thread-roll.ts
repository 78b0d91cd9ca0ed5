/** The worker threads of one shutdown, from the main thread's side. Lives until the last has ended. */

import { deferred } from '../common/deferred.js';
import type { ShutdownReport } from '../shutdown/report.js';
import { makeRequest, type ShutdownRequest } from '../shutdown/request.js';
import type { StepContext } from '../shutdown/step.js';
import { openBus, type Bus, type FromThread, type ToThread } from '../shutdown/thread-bus.js';

export interface ThreadEntry {
  readonly threadId: number;
  readonly report?: ShutdownReport;
  /** Pending also when it was told that it may end, and has not. */
  readonly pending: boolean;
}

interface Thread {
  readonly threadId: number;
  said?: FromThread;
  /** Told that it may end. */
  released: boolean;
  /** It stands in the process's list no more. */
  gone: boolean;
}

/** How often the list of threads is read. */
const LOOK_MS = 10;

export class ThreadRoll {
  readonly #list: () => readonly number[];
  readonly #context: StepContext;
  readonly #request: ShutdownRequest;
  readonly #threads = new Map<number, Thread>();
  readonly #bus: Bus<ToThread>;
  readonly #timer: NodeJS.Timeout;
  readonly #ended = deferred<undefined>();
  #told = -1;

  /** `list` answers which threads there are. One that comes late is asked, too. */
  constructor(list: () => readonly number[], context: StepContext) {
    this.#list = list;
    this.#context = context;
    this.#request = makeRequest(context.reason, context.remainingMs());
    this.#bus = openBus<ToThread>((message) => {
      this.#heard(message);
    });
    // It goes on behind the step's deadline: threads that have ended their shutdowns wait for the rest,
    // and the process may stay.
    this.#timer = setInterval(() => {
      this.#look();
    }, LOOK_MS).unref();
    this.#look();
  }

  /** Settles when every thread has ended, or goes on as it was made to. */
  get ended(): Promise<undefined> {
    return this.#ended.promise;
  }

  entries(): readonly ThreadEntry[] {
    const threads = [...this.#threads.values()].sort((a, b) => a.threadId - b.threadId);
    return threads.map((thread) => ({
      threadId: thread.threadId,
      pending: !hasEnded(thread) && (thread.said === undefined || thread.released),
      ...(thread.said === undefined ? {} : { report: thread.said.report }),
    }));
  }

  #heard({ from, report, exits }: Partial<FromThread>): void {
    const thread = from === undefined ? undefined : this.#threads.get(from);
    if (from === undefined || thread === undefined || report === undefined) return;
    thread.said ??= { from, report, exits: exits === true };
    this.#look();
  }

  #look(): void {
    const listed = this.#list();
    for (const threadId of listed) {
      if (this.#threads.has(threadId)) continue;
      this.#threads.set(threadId, { threadId, released: false, gone: false });
      this.#bus.post({ to: threadId, ask: this.#request });
    }
    const threads = [...this.#threads.values()];
    for (const thread of threads) thread.gone = !listed.includes(thread.threadId);
    // The end of a thread ends those that it has started: none may still be at work.
    if (threads.every(({ said, gone }) => gone || said !== undefined)) {
      for (const thread of threads.filter(({ released, gone }) => !released && !gone)) {
        thread.released = true;
        this.#bus.post({ to: thread.threadId, leave: true });
      }
    }
    this.#tell(threads);
    if (!threads.every(hasEnded)) return;
    clearInterval(this.#timer);
    // A whole turn later: what a thread has posted before its end has been heard by then.
    setImmediate(() => {
      setImmediate(() => {
        this.#bus.close();
        this.#ended.resolve(undefined);
      });
    });
  }

  #tell(threads: readonly Thread[]): void {
    const ended = threads.filter(hasEnded).length;
    if (ended === this.#told || threads.length === 0) return;
    this.#told = ended;
    this.#context.progress(ended, threads.length, `${ended} of ${threads.length} threads ended`);
  }
}

function hasEnded({ gone, said }: Thread): boolean {
  return gone || (said !== undefined && !said.exits);
}

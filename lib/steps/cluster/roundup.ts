/** One shutdown of a cluster's workers, from the primary's side. Lives as long as its step runs. */

import { deferred } from '../../common/deferred.js';
import { MESSAGE_KEY, type ToClusterWorker } from '../../shutdown/cluster-worker.js';
import { makeRequest, type ShutdownRequest } from '../../shutdown/request.js';
import type { StepContext } from '../../shutdown/step.js';
import type { Herd } from './herd.js';
import type { ClusterWorker } from './primary.js';
import { judged, type WorkerEnd } from './worker-end.js';

/** How long a worker may take to say that its shutdown has begun. Part of the time where there is little. */
const ANSWER_MS = 1000;

interface Charge {
  readonly worker: ClusterWorker;
  readonly young: boolean;
  readonly sent: NodeJS.Signals[];
  end?: Pick<WorkerEnd, 'code' | 'signal' | 'durationMs'>;
}

export class Roundup {
  readonly #herd: Herd;
  readonly #context: StepContext;
  readonly #request: ShutdownRequest;
  readonly #charges: Charge[] = [];
  readonly #ended = deferred<undefined>();
  readonly #beganAt = performance.now();
  readonly #answerTimer: NodeJS.Timeout;

  constructor(herd: Herd, context: StepContext) {
    this.#herd = herd;
    this.#context = context;
    const leftMs = context.remainingMs();
    this.#request = makeRequest(context.reason, leftMs);
    for (const worker of herd.living()) this.#ask(this.#take(worker));
    herd.forked = (worker) => {
      this.#refuse(worker);
    };
    // In the phase of the event loop that follows the reading of the channels: after a while without
    // any, an answer may lie there.
    this.#answerTimer = setTimeout(
      () => {
        setImmediate(() => {
          for (const charge of this.#charges) if (!herd.hasBegun(charge.worker)) term(charge);
        });
      },
      Math.min(ANSWER_MS, leftMs / 4),
    );
    context.signal.addEventListener('abort', this.#killAll);
    // The step may be cut short, by a second signal. Orphans would go on holding their devices.
    process.on('exit', this.#killAll);
    this.#look();
  }

  /** Resolves when every worker has ended, or has been killed because the time was over. */
  get ended(): Promise<undefined> {
    return this.#ended.promise;
  }

  ends(): readonly WorkerEnd[] {
    return this.#charges.map(({ worker, young, sent, end }) =>
      judged(
        {
          id: worker.id,
          ...(worker.process.pid === undefined ? {} : { pid: worker.process.pid }),
          code: null,
          signal: null,
          ...end,
          begun: this.#herd.hasBegun(worker),
          sent: [...sent],
        },
        young,
      ),
    );
  }

  #take(worker: ClusterWorker): Charge {
    const charge: Charge = {
      worker,
      young: this.#herd.forkedAt(worker) > this.#context.startedAt,
      sent: [],
    };
    this.#charges.push(charge);
    worker.process.once('exit', (code, signal) => {
      charge.end = { code, signal, durationMs: Math.round(performance.now() - this.#beganAt) };
      this.#look();
    });
    return charge;
  }

  #ask(charge: Charge): void {
    const { worker } = charge;
    // What services look at before they fork another in its place.
    worker.exitedAfterDisconnect = true;
    const message: ToClusterWorker = { [MESSAGE_KEY]: { ask: this.#request } };
    // One that has closed its channel, or closes it now, gets a signal.
    if (worker.isConnected())
      worker.send(message, (error) => {
        if (error !== null) term(charge);
      });
    else if (!this.#herd.hasBegun(worker)) term(charge);
  }

  /**
   * A service that forks a worker for every one that ends would go on for ever. This one is killed
   * before it has begun, and nobody hears of its end.
   */
  #refuse(worker: ClusterWorker): void {
    worker.removeAllListeners('exit');
    worker.process.removeAllListeners('exit');
    send(this.#take(worker), 'SIGKILL');
  }

  readonly #killAll = (): void => {
    for (const charge of this.#charges) if (charge.end === undefined) send(charge, 'SIGKILL');
    this.#conclude();
  };

  #look(): void {
    const total = this.#charges.length;
    const ended = this.#charges.filter(({ end }) => end !== undefined).length;
    if (total > 0) this.#context.progress(ended, total, `${ended} of ${total} workers ended`);
    if (ended < total) return;
    // What its end has set off, as another fork, comes in this turn or the next.
    setImmediate(() => {
      if (this.#charges.every(({ end }) => end !== undefined)) this.#conclude();
    });
  }

  #conclude(): void {
    clearTimeout(this.#answerTimer);
    this.#herd.forked = () => undefined;
    this.#context.signal.removeEventListener('abort', this.#killAll);
    process.off('exit', this.#killAll);
    this.#ended.resolve(undefined);
  }
}

/** So that the clock of its watchdog starts, where its event loop is blocked. */
function term(charge: Charge): void {
  if (charge.end === undefined && charge.sent.length === 0) send(charge, 'SIGTERM');
}

function send({ worker, sent }: Charge, signal: NodeJS.Signals): void {
  sent.push(signal);
  worker.process.kill(signal);
}

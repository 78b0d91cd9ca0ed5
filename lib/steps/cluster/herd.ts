/** The workers of a cluster, and what each has said of itself. Lives as long as its step. */

import { MESSAGE_KEY } from '../../shutdown/cluster-worker.js';
import type { ClusterPrimary, ClusterWorker } from './primary.js';

export class Herd {
  readonly #cluster: ClusterPrimary;
  readonly #forkedAt = new WeakMap<ClusterWorker, number>();
  readonly #begun = new WeakSet<ClusterWorker>();
  /** Called for a worker that has been forked. */
  forked: (worker: ClusterWorker) => void = () => undefined;

  constructor(cluster: ClusterPrimary) {
    this.#cluster = cluster;
    cluster.on('fork', (worker: ClusterWorker) => {
      this.#forkedAt.set(worker, performance.now());
      this.forked(worker);
    });
    cluster.on('message', (worker: ClusterWorker, message: unknown) => {
      const said: unknown = (Object(message) as Record<string, unknown>)[MESSAGE_KEY];
      if ((Object(said) as { begun?: unknown }).begun === true) this.#begun.add(worker);
    });
  }

  living(): readonly ClusterWorker[] {
    return Object.values(this.#cluster.workers ?? {}).filter(
      (worker) => worker?.isDead() === false,
    ) as ClusterWorker[];
  }

  hasBegun(worker: ClusterWorker): boolean {
    return this.#begun.has(worker);
  }

  /** In the time of `performance.now()`; long ago for a worker that was there before the step. */
  forkedAt(worker: ClusterWorker): number {
    return this.#forkedAt.get(worker) ?? -Infinity;
  }
}

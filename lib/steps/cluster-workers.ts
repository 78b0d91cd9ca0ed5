/** A step of a cluster's primary that asks the shutdowns of its workers to run, and waits for them. */

import { expected } from '../common/expected.js';
import { nonEmptyString, optionsObject } from '../common/options.js';
import type { Phase } from '../shutdown/events.js';
import type { Step, StepContext } from '../shutdown/step.js';
import { Herd } from './cluster/herd.js';
import { Roundup } from './cluster/roundup.js';
import type { ClusterPrimary } from './cluster/primary.js';
import type { WorkerEnd } from './cluster/worker-end.js';

/** The options of `clusterWorkers`. */
export interface ClusterWorkersOptions {
  /** Default `workers`. */
  readonly name?: string | undefined;
  /** Default `service`. */
  readonly phase?: Phase | undefined;
  readonly after?: readonly string[] | undefined;
  /** Milliseconds that the step may take. Default: what the steps after it leave. */
  readonly timeoutMs?: number | undefined;
  /** Default 3,000. */
  readonly reserveMs?: number | undefined;
}

/** What the step of `clusterWorkers` reports as its details. */
export interface ClusterWorkersDetails {
  readonly workers: readonly WorkerEnd[];
}

const OPTION_NAMES = ['name', 'phase', 'after', 'timeoutMs', 'reserveMs'] as const;

/**
 * A step of the phase `service` that asks every living worker of `cluster`, the module `node:cluster`,
 * to run the shutdown that it has installed, and waits for their ends. A worker that does not answer
 * gets SIGTERM, one that has not ended when the step's time is over SIGKILL. It fails with an error for
 * each worker that ended with an exit code other than 0, or by a signal.
 * @throws TypeError when `cluster` is no such module, or an option is wrong; Error where the process is
 * no primary.
 */
export function clusterWorkers(cluster: ClusterPrimary, options?: ClusterWorkersOptions): Step {
  checkCluster(cluster);
  const given = optionsObject(options, OPTION_NAMES);
  const herd = new Herd(cluster);
  return {
    name: nonEmptyString('the `name` option', given.name ?? 'workers'),
    phase: given.phase,
    after: given.after,
    timeoutMs: given.timeoutMs,
    reserveMs: given.reserveMs ?? 3000,
    run: (context) => stopWorkers(herd, context),
  };
}

function checkCluster(cluster: unknown): void {
  const { isPrimary, fork } = Object(cluster) as Partial<Record<string, unknown>>;
  if (typeof isPrimary !== 'boolean' || typeof fork !== 'function') {
    throw new TypeError(expected('the cluster', 'the module node:cluster', cluster));
  }
  if (!isPrimary) {
    throw new Error('clusterWorkers() is for the primary; a worker installs a shutdown of its own');
  }
}

async function stopWorkers(herd: Herd, context: StepContext): Promise<ClusterWorkersDetails> {
  const roundup = new Roundup(herd, context);
  await roundup.ended;
  const workers = roundup.ends();
  const details = { workers };
  const errors = workers.flatMap((worker) =>
    worker.failure === undefined ? [] : [worker.failure],
  );
  if (errors.length === 0) return details;
  const message = `${errors.length} of ${workers.length} workers did not end well: ${errors.join('; ')}`;
  throw Object.assign(
    new AggregateError(
      errors.map((text) => new Error(text)),
      message,
    ),
    { details },
  );
}

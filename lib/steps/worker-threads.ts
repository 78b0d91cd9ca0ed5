/** A step of the main thread that asks the shutdowns of all worker threads to run, and waits for them. */

import { workerThreadsModule } from '../common/builtins.js';
import { nonEmptyString, optionsObject } from '../common/options.js';
import { loadAddon } from '../native/load.js';
import type { Phase } from '../shutdown/events.js';
import type { ReportedModel, ShutdownReport } from '../shutdown/report.js';
import { ASKS_THREADS, type Step, type StepContext } from '../shutdown/step.js';
import { ThreadRoll, type ThreadEntry } from './thread-roll.js';

/** The options of `workerThreads`. */
export interface WorkerThreadsOptions {
  /** Default `threads`. */
  readonly name?: string | undefined;
  /** Default `service`. */
  readonly phase?: Phase | undefined;
  readonly after?: readonly string[] | undefined;
  /** Milliseconds that the step may take. Default: what the steps after it leave. */
  readonly timeoutMs?: number | undefined;
  /** Default 3,000. */
  readonly reserveMs?: number | undefined;
}

/** What became of one worker thread; the rest is of its own report. */
export interface ReportedThread extends Partial<
  Pick<ShutdownReport, 'exitCode' | 'durationMs' | 'steps' | 'errors'>
> {
  readonly threadId: number;
  /**
   * That of its report; `lost`: it ended without one, as by `terminate()`; `pending`: it had none, or
   * had not ended, when the step's time was over.
   */
  readonly outcome: ShutdownReport['outcome'] | 'lost' | 'pending';
}

/** What the step of `workerThreads` reports as its details. */
export interface WorkerThreadsDetails {
  readonly threads: readonly ReportedThread[];
  /** The models of all threads. */
  readonly models: readonly ReportedModel[];
}

const OPTION_NAMES = ['name', 'phase', 'after', 'timeoutMs', 'reserveMs'] as const;

/**
 * A step of the phase `service` that asks every worker thread with an `installInWorker()`, and waits
 * until those that end by themselves have ended. It fails with an error for each that ended with an
 * exit code other than 0, or without a report. It never terminates a thread: one that is inside native
 * work when the step's time is over is left behind.
 * @throws Error in a worker thread; TypeError when an option is wrong.
 */
export function workerThreads(options?: WorkerThreadsOptions): Step {
  if (!workerThreadsModule().isMainThread) {
    throw new Error(
      'workerThreads() is for the main thread, which asks the workers of all threads',
    );
  }
  const given = optionsObject(options, OPTION_NAMES);
  const step: Step & { readonly [ASKS_THREADS]: true } = {
    name: nonEmptyString('the `name` option', given.name ?? 'threads'),
    phase: given.phase,
    after: given.after,
    timeoutMs: given.timeoutMs,
    reserveMs: given.reserveMs ?? 3000,
    [ASKS_THREADS]: true,
    run: stopThreads,
  };
  return step;
}

async function stopThreads(context: StepContext): Promise<WorkerThreadsDetails> {
  const roll = new ThreadRoll(listOfThreads(), context);
  const aborted = new Promise((resolve) => {
    context.signal.addEventListener('abort', resolve);
  });
  await Promise.race([roll.ended, aborted]);
  const threads = roll.entries().map(reported);
  const models = roll.entries().flatMap(({ report }) => report?.models ?? []);
  const details = { threads, models };
  const errors = threads.filter(({ exitCode }) => exitCode !== 0).map(errorOf);
  // One that has said its report, and then did not end.
  const stayed = threads.filter(({ outcome, exitCode }) => outcome === 'pending' && exitCode === 0);
  errors.push(...stayed.map(errorOf));
  if (errors.length === 0) return details;
  const message = `${errors.length} of ${threads.length} worker threads did not end well: ${errors.map((error) => error.message).join('; ')}`;
  throw Object.assign(new AggregateError(errors, message), { details });
}

/** Without an addon no worker can have entered the list. */
function listOfThreads(): () => readonly number[] {
  try {
    const { threads } = loadAddon();
    return () => threads.list();
  } catch {
    return () => [];
  }
}

function reported({ threadId, report, pending }: ThreadEntry): ReportedThread {
  const outcome = pending ? 'pending' : (report?.outcome ?? 'lost');
  if (report === undefined) return { threadId, outcome };
  const { exitCode, durationMs, steps, errors } = report;
  return { threadId, outcome, exitCode, durationMs, steps, errors };
}

function errorOf({ threadId, outcome, exitCode, errors = [] }: ReportedThread): Error {
  const thread = `thread ${threadId}`;
  if (outcome === 'lost') return new Error(`${thread} ended before its shutdown had`);
  if (outcome === 'pending') {
    const how = exitCode === undefined ? 'had not ended its shutdown' : 'had not ended';
    return new Error(`${thread} ${how} in time, and was left behind`);
  }
  const why = errors.map(({ step, message }) => `${step}: ${message}`).join(', ');
  return new Error(`${thread} ended with exit code ${exitCode}${why === '' ? '' : ` (${why})`}`);
}

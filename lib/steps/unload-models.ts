/** A step that unloads every model of a registry. */

import { expected } from '../common/expected.js';
import { formatBytes, formatPart } from '../common/format.js';
import { nonEmptyString, optionsObject, positiveInteger, positiveMs } from '../common/options.js';
import type { ModelRegistry, UnloadSummary } from '../models/registry.js';
import type { FailedUnload } from '../models/unload-all.js';
import type { UnloadProgress, UnloadResult } from '../models/unloadable.js';
import type { ProgressItem } from '../shutdown/events.js';
import type { ReportedModel } from '../shutdown/report.js';
import type { Step, StepContext } from '../shutdown/step.js';

/** The options of `unloadModels`. */
export interface UnloadModelsOptions {
  /** Default `models`. */
  readonly name?: string | undefined;
  /** Milliseconds that the step may take. Default: what the steps after it leave. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds for each model. Default: an equal share of what is left. */
  readonly modelTimeoutMs?: number | undefined;
  /** How many unload at the same time. Default: all devices side by side, one model each. */
  readonly concurrency?: number | undefined;
  /** Default 3,000. */
  readonly reserveMs?: number | undefined;
}

/** The details of the step `models`. */
export interface UnloadModelsDetails {
  readonly models: readonly ReportedModel[];
  readonly freedBytes: number;
}

const OPTION_NAMES = ['name', 'timeoutMs', 'modelTimeoutMs', 'concurrency', 'reserveMs'] as const;

/**
 * How long before the step's own deadline the last unload has to have ended, so that what each did
 * is known by then. Part of the time where there is little.
 */
const MARGIN_MS = 100;

/**
 * A step of the phase `models`. It fails with the error of every model that could not be unloaded,
 * and the others are unloaded all the same.
 *
 * @throws TypeError when `registry` is no registry, or an option is wrong
 */
export function unloadModels(registry: ModelRegistry, options?: UnloadModelsOptions): Step {
  if (typeof (registry as Partial<ModelRegistry> | null | undefined)?.unloadAll !== 'function') {
    throw new TypeError(expected('the registry', 'a ModelRegistry', registry));
  }
  const given = optionsObject(options, OPTION_NAMES);
  const modelTimeoutMs = positiveMs('modelTimeoutMs', given.modelTimeoutMs, Infinity);
  const concurrency = positiveInteger('concurrency', given.concurrency, Infinity);
  return {
    name: nonEmptyString('the `name` option', given.name ?? 'models'),
    phase: 'models',
    timeoutMs: given.timeoutMs,
    reserveMs: given.reserveMs ?? 3000,
    run: (context) => unloadRegistry(registry, { modelTimeoutMs, concurrency }, context),
  };
}

async function unloadRegistry(
  registry: ModelRegistry,
  { modelTimeoutMs, concurrency }: { modelTimeoutMs: number; concurrency: number },
  context: StepContext,
): Promise<UnloadModelsDetails> {
  const left = context.remainingMs();
  const course = new Course(registry, context);
  const summary = await registry.unloadAll({
    timeoutMs: modelTimeoutMs,
    totalMs: Math.max(1, left - Math.min(MARGIN_MS, left / 4)),
    concurrency,
    signal: context.signal,
    close: true,
    onProgress: (name, progress) => {
      course.progress(name, progress);
    },
    onUnload: (result) => {
      course.unloaded(result);
    },
    onError: (failure) => {
      course.failed(failure);
    },
  });
  return concluded(summary, context);
}

/** What is told of the step while it lasts. */
class Course {
  readonly #context: StepContext;
  readonly #total: number;
  readonly #bytes: number;
  readonly #freed = new Map<string, number>();
  #freedBytes = 0;
  #unloaded = 0;

  constructor(registry: ModelRegistry, context: StepContext) {
    this.#context = context;
    this.#total = registry.size;
    this.#bytes = registry.bytes;
  }

  progress(name: string, { phase, freedBytes, totalBytes, leases }: UnloadProgress): void {
    this.#frees(name, freedBytes);
    const bytes = { doneBytes: freedBytes, totalBytes };
    if (phase === 'draining' && leases > 0) {
      const text = `waits for ${leases} ${leases === 1 ? 'lease' : 'leases'}`;
      this.#tell({ name, state: 'waiting', ...bytes, text }, `, ${name} ${text}`);
    } else {
      this.#tell({ name, state: 'running', ...bytes });
    }
  }

  unloaded({ name, freedBytes }: UnloadResult): void {
    this.#frees(name, freedBytes);
    this.#unloaded += 1;
    this.#tell({ name, state: 'done', doneBytes: freedBytes });
  }

  failed({ name, error, freedBytes }: FailedUnload): void {
    if (freedBytes !== undefined) this.#frees(name, freedBytes);
    this.#tell({ name, state: 'failed', text: error.message });
  }

  #frees(name: string, bytes: number): void {
    this.#freedBytes += bytes - (this.#freed.get(name) ?? 0);
    this.#freed.set(name, bytes);
  }

  #tell(item: ProgressItem, waiting = ''): void {
    const done = this.#freedBytes;
    // A model may have said nothing of its size, or hold more than it said.
    const total = Math.max(this.#bytes, done);
    const text = `${this.#unloaded} of ${this.#total} models, ${formatPart(done, total)} freed`;
    const bytes = total > 0 ? { bytes: { done, total } } : {};
    this.#context.progress(this.#unloaded, this.#total, text + waiting, { ...bytes, item });
  }
}

function concluded(summary: UnloadSummary, context: StepContext): UnloadModelsDetails {
  const { unloaded, failed, freedBytes } = summary;
  const total = unloaded.length + failed.length;
  const text = `${unloaded.length} of ${total} models, ${formatBytes(freedBytes)} freed`;
  context.progress(unloaded.length, total, text);
  const details = { models: reported(summary, context.startedAt), freedBytes };
  if (failed.length === 0) return details;
  const errors = failed.map(({ error }) => error);
  const names = failed.map(({ name }) => name).join(', ');
  throw Object.assign(
    new AggregateError(errors, `${failed.length} of ${total} models were not unloaded: ${names}`),
    { details },
  );
}

/** @param beganAt When the shutdown began, in the time of `performance.now()`. */
function reported({ unloaded, failed }: UnloadSummary, beganAt: number): ReportedModel[] {
  const times = ({ startedAt, durationMs }: { startedAt?: number; durationMs: number }) => ({
    ...(startedAt === undefined ? {} : { startMs: startedAt - beganAt }),
    durationMs,
  });
  return [
    ...unloaded.map((result) => ({
      name: result.name,
      status: result.status,
      freedBytes: result.freedBytes,
      remainingBytes: 0,
      ...times(result),
      verified: result.memory.verified,
      ...held(result),
    })),
    ...failed.map((failure) => ({
      name: failure.name,
      status: 'failed' as const,
      freedBytes: failure.freedBytes ?? 0,
      ...(failure.remainingBytes === undefined ? {} : { remainingBytes: failure.remainingBytes }),
      ...held(failure),
      ...times(failure),
      error: failure.error.message,
    })),
  ];
}

type Held = Pick<ReportedModel, 'remainingTensors'>;

function held({ remainingTensors }: Held): Held {
  return remainingTensors === undefined ? {} : { remainingTensors };
}

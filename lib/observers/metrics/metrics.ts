/**
 * The figures of this process's shutdown and of the last one, as metrics of the service's own
 * registry: the only file that imports prom-client, which it loads when used.
 */

import type { Gauge, Registry } from 'prom-client';
import { expected } from '../../common/expected.js';
import { readLastShutdown } from '../last-shutdown.js';
import type { Watched } from '../watched.js';
import { countModels, figuresOf, figuresOfReport, modelsIn, type Figures } from './figures.js';

/** Whose figures: of this process's shutdown, or of the one before it. */
const RUN = 'run';

type Labels = Readonly<Record<string, string>>;
interface Sample {
  readonly value: number;
  readonly labels?: Labels;
}

/** Every metric with a value for each run: name, help, further labels, and what a run gives. */
const METRICS: readonly {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly samples: (figures: Figures) => readonly Sample[];
}[] = [
  {
    name: 'cuda_shutdown_start_timestamp_seconds',
    help: 'When the shutdown began, in seconds since the epoch.',
    samples: ({ startedAt }) => [{ value: startedAt }],
  },
  {
    name: 'cuda_shutdown_duration_seconds',
    help: 'How long the shutdown took; up to the last that is known where it was cut off.',
    samples: ({ durationMs }) => [{ value: durationMs / 1000 }],
  },
  {
    name: 'cuda_shutdown_outcome',
    help: '1 for the outcome of the shutdown: clean, degraded, forced or cut-off.',
    labels: ['outcome'],
    samples: ({ outcome }) => (outcome === undefined ? [] : [{ value: 1, labels: { outcome } }]),
  },
  {
    name: 'cuda_shutdown_exit_code',
    help: 'The exit code that the shutdown ended with, where it is known.',
    samples: ({ exitCode }) => (exitCode === undefined ? [] : [{ value: exitCode }]),
  },
  {
    name: 'cuda_shutdown_step_duration_seconds',
    help: 'How long each step took.',
    labels: ['step'],
    samples: ({ steps }) =>
      steps.map(({ name, durationMs }) => ({ value: durationMs / 1000, labels: { step: name } })),
  },
  {
    name: 'cuda_shutdown_step_status',
    help: '1 for the status of each step: ok, failed, timed-out, skipped or cut-off.',
    labels: ['step', 'status'],
    samples: ({ steps }) =>
      steps.map(({ name, status }) => ({ value: 1, labels: { step: name, status } })),
  },
  {
    name: 'cuda_shutdown_models_unloaded',
    help: 'How many models the shutdown unloaded.',
    samples: ({ modelsUnloaded }) => [{ value: modelsUnloaded }],
  },
  {
    name: 'cuda_shutdown_models_failed',
    help: 'How many models the shutdown could not unload.',
    samples: ({ modelsFailed }) => [{ value: modelsFailed }],
  },
  {
    name: 'cuda_shutdown_freed_bytes',
    help: 'Bytes that each device had more free after the shutdown, by its own count.',
    labels: ['device'],
    samples: ({ freedBytes }) =>
      [...freedBytes].map(([device, value]) => ({ value, labels: { device: String(device) } })),
  },
  {
    name: 'cuda_shutdown_watchdog_firings',
    help: 'How often the watchdog had to end the process: 0 or 1.',
    samples: ({ watchdogFirings }) => [{ value: watchdogFirings }],
  },
];

/**
 * Registers with `registry`. Because nobody scrapes a dead process, the figures of the last shutdown
 * (`run="last"`), read from the `report` folder, stand beside those of this one (`run="current"`).
 * @throws (rejects with) TypeError for what is no registry; prom-client's Error when one of the
 * names is registered already; the error of the file system when the last report cannot be read.
 */
export async function metrics(shutdown: Watched, registry: Registry): Promise<void> {
  if (typeof (registry as Partial<Registry> | null | undefined)?.registerMetric !== 'function') {
    throw new TypeError(expected('the registry', 'a Registry of prom-client', registry));
  }
  await register(shutdown, () => registry);
}

/** A registry of its own with the metrics of this shutdown. */
export function newRegistry(shutdown: Watched): Promise<Registry> {
  return register(shutdown, (client) => new client.Registry());
}

async function register(
  shutdown: Watched,
  registryFrom: (client: typeof import('prom-client')) => Registry,
): Promise<Registry> {
  // Before anything is awaited: a shutdown may begin in the meantime.
  const current = follow(shutdown);
  const [{ default: client }, found] = await Promise.all([
    import('prom-client'),
    lastFigures(shutdown.reportFolder),
  ]);
  const last = found?.startedAt === current().figures?.startedAt ? undefined : found;
  const registry = registryFrom(client);
  const registers = [registry];
  new client.Gauge({
    name: 'cuda_shutdown_in_progress',
    help: '1 while a shutdown runs.',
    registers,
    collect() {
      this.set(current().inProgress ? 1 : 0);
    },
  });
  for (const { name, help, labels = [], samples } of METRICS) {
    new client.Gauge({
      name,
      help,
      labelNames: [RUN, ...labels],
      registers,
      collect() {
        this.reset();
        const { figures } = current();
        if (last !== undefined) setAll(this, 'last', samples(last));
        if (figures !== undefined) setAll(this, 'current', samples(figures));
      },
    });
  }
  return registry;
}

function setAll(gauge: Gauge, run: string, samples: readonly Sample[]): void {
  for (const { value, labels } of samples) gauge.set({ [RUN]: run, ...labels }, value);
}

async function lastFigures(folder: string | undefined): Promise<Figures | undefined> {
  const last = folder === undefined ? undefined : await readLastShutdown(folder);
  return last === undefined ? undefined : figuresOf(last);
}

/** What is known of this process's shutdown, at any moment. */
function follow(shutdown: Watched): () => { inProgress: boolean; figures: Figures | undefined } {
  let begun: { readonly startedAt: Date } | undefined;
  let ended: Figures | undefined;
  const steps: Figures['steps'][number][] = [];
  let models = { modelsUnloaded: 0, modelsFailed: 0 };
  shutdown.on('begin', (event) => {
    begun = event;
  });
  shutdown.on('step', ({ name, status, durationMs = 0, details }) => {
    if (status === 'running') return;
    steps.push({ name, status, durationMs });
    const { modelsUnloaded, modelsFailed } = countModels(modelsIn(details));
    models = {
      modelsUnloaded: models.modelsUnloaded + modelsUnloaded,
      modelsFailed: models.modelsFailed + modelsFailed,
    };
  });
  shutdown.on('end', ({ report }) => {
    ended = figuresOfReport(report);
  });
  const running = ({ startedAt }: { readonly startedAt: Date }): Figures => ({
    startedAt: startedAt.getTime() / 1000,
    durationMs: Date.now() - startedAt.getTime(),
    steps: [...steps],
    ...models,
    freedBytes: new Map(),
    watchdogFirings: 0,
  });
  return () => ({
    inProgress: shutdown.signal.aborted && ended === undefined,
    figures: ended ?? (begun === undefined ? undefined : running(begun)),
  });
}

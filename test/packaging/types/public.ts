// The public names as a user writes them down. Compiled by types.test.mjs as ESM and as CommonJS, never run.
import cluster from 'node:cluster';
import http from 'node:http';
import * as all from 'cuda-shutdown';
import { cuda, createShutdown, type Shutdown } from 'cuda-shutdown';
import * as testing from 'cuda-shutdown/testing';
import { expectTypeOf } from 'expect-type';
import { Registry } from 'prom-client';
import type { Logger as WinstonLogger } from 'winston';

export async function devices() {
  expectTypeOf(cuda.backend).toEqualTypeOf<'cuda' | 'simulated' | 'none'>();
  expectTypeOf(cuda.isAvailable()).toEqualTypeOf<boolean>();
  expectTypeOf(cuda.unavailableReason?.code).toEqualTypeOf<string | undefined>();
  expectTypeOf(cuda.getDeviceProperties('cuda:1')).toEqualTypeOf<all.DeviceProperties>();
  expectTypeOf(cuda.memGetInfo(0).free).toEqualTypeOf<number>();
  expectTypeOf(cuda.memoryStats()).toEqualTypeOf<all.MemoryStats>();
  expectTypeOf(cuda.memoryStats().allocation.all).toEqualTypeOf<all.Flow>();
  expectTypeOf<all.Flow>().toExtend<all.Level>();
  expectTypeOf(cuda.memorySummary()).toEqualTypeOf<string>();
  const options: all.MaintenanceOptions = { signal: AbortSignal.timeout(1), timeoutMs: 1 };
  expectTypeOf((await cuda.emptyCache(0, options)).releasedBytes).toEqualTypeOf<number>();
  expectTypeOf(await cuda.processMemory()).toEqualTypeOf<all.ProcessMemory | undefined>();
  expectTypeOf<0 | 'cuda' | 'cuda:1'>().toExtend<all.Device>();
  expectTypeOf<boolean>().not.toExtend<all.Device>();
}

export async function models() {
  const map: all.DeviceMap = { '': 0, 'model.layers.1': 'cuda:1' };
  expectTypeOf(map).toExtend<all.ModelDevice>();
  const load: all.LoadModelOptions = {
    device: 'auto',
    onProgress: (step) => expectTypeOf(step).toEqualTypeOf<all.LoadProgress>(),
  };
  const model = await all.loadModel('model.safetensors', load);
  expectTypeOf(model).toEqualTypeOf<all.Model>();
  expectTypeOf(model.state).toEqualTypeOf<all.ModelState>();
  expectTypeOf(model.acquire()).toEqualTypeOf<all.Lease>();
  expectTypeOf<all.Lease>().toExtend<Disposable>();
  expectTypeOf(model.tensors).toEqualTypeOf<ReadonlyMap<string, all.TensorInfo>>();
  expectTypeOf<all.TensorInfo['dtype']>().toEqualTypeOf<all.Dtype>();
  expectTypeOf<'BF16'>().toExtend<all.Dtype>();
  const read: all.ReadOptions = { timeoutMs: 1 };
  expectTypeOf(await model.read('w', read)).toExtend<Uint8Array>();
  const unload: all.UnloadOptions = {
    drainMs: 1,
    onProgress: (step) => expectTypeOf(step).toEqualTypeOf<all.UnloadProgress>(),
  };
  const result = await model.unload(unload);
  expectTypeOf(result).toEqualTypeOf<all.UnloadResult>();
  expectTypeOf(result.memory).toEqualTypeOf<all.UnloadMemory>();
  expectTypeOf(result.memory.before).toEqualTypeOf<all.MemoryReading | undefined>();
}

export async function registries(model: all.Model) {
  const budget: all.Budget = { 'cuda:0': 8e9 };
  const settings: all.RegistryOptions = { budget };
  const registry = new all.ModelRegistry(settings);
  const cache: all.Unloadable = { name: 'cache', unload: async ({ signal }) => void signal };
  const add: all.AddOptions = { dependsOn: ['cache'] };
  expectTypeOf(registry.add(cache).add(model, add)).toEqualTypeOf<all.ModelRegistry>();
  expectTypeOf<Parameters<all.Unloadable['unload']>[0]>().toEqualTypeOf<all.UnloadContext>();
  const every: all.UnloadAllOptions = { totalMs: 1 };
  expectTypeOf(await registry.unloadAll(every)).toEqualTypeOf<all.UnloadSummary>();
  expectTypeOf(registry.failed).toEqualTypeOf<readonly all.FailedUnload[]>();
  const idle: all.IdleOptions = { unloadAfterMs: 60_000 };
  expectTypeOf(registry.idle(idle)).toEqualTypeOf<() => void>();
  const admit: all.AdmitOptions = { bytes: 1e9, device: 1 };
  const spread: all.BytesByDevice = { 'cuda:0': 1e9, 'cuda:1': 1e9 };
  expectTypeOf({ bytesByDevice: spread }).toExtend<all.AdmittedBytes>();
  expectTypeOf(model.bytesByDevice).toExtend<all.BytesByDevice>();
  const load = (context: all.AdmitContext) => all.loadModel('m', context);
  expectTypeOf(await registry.admit(admit, load)).toEqualTypeOf<all.Model>();
}

interface Session {
  run(feeds: { x: number }): Promise<{ y: number }>;
  release(): Promise<void>;
}
interface Pipe {
  (text: string): Promise<{ dims: number[] }>;
  dispose(): Promise<void>;
}

export async function runtimes(session: Session, pipe: Pipe, llama: all.LlamaDisposable) {
  const options: all.RuntimeOptions = { name: 'm', bytes: 1, device: 0, abortAfterMs: 0 };
  const onnx = all.onnxSession(session, options);
  expectTypeOf(onnx).toEqualTypeOf<all.OnnxModel<Session>>();
  expectTypeOf((await onnx.session.run({ x: 1 })).y).toEqualTypeOf<number>();
  expectTypeOf<Session>().toExtend<all.OnnxSessionLike>();
  const piped = all.transformersPipeline(pipe, options);
  expectTypeOf(piped).toEqualTypeOf<all.PipelineModel<Pipe>>();
  expectTypeOf((await piped.pipe('text')).dims).toEqualTypeOf<number[]>();
  expectTypeOf<Pipe>().toExtend<all.PipelineLike>();
  const more: all.LlamaModelOptions = { name: 'l', contexts: [llama], llama };
  const guarded = all.llamaModel(llama, more);
  expectTypeOf(guarded).toEqualTypeOf<all.LlamaRuntimeModel>();
  expectTypeOf(guarded.guard(session)).toEqualTypeOf<Session>();
  expectTypeOf<{ close(): void }>().toExtend<all.DisposableLike>();
  const other = all.disposable({ close: () => undefined }, options);
  expectTypeOf(other).toEqualTypeOf<all.RuntimeModel>();
  const work = (context: all.WorkContext) => context.signal.aborted;
  expectTypeOf(await other.use(work)).toEqualTypeOf<boolean>();
  expectTypeOf<all.RuntimeModel>().toExtend<all.Unloadable>();
}

export function errors(thrown: unknown) {
  if (thrown instanceof all.CudaError) thrown.call.trim();
  if (thrown instanceof all.CudaUnavailableError) thrown.reason.trim();
  if (thrown instanceof all.AbortError) expectTypeOf(thrown).toExtend<Error>();
  if (thrown instanceof all.TimeoutError)
    expectTypeOf(thrown.freedBytes).toEqualTypeOf<number | undefined>();
  if (thrown instanceof all.ModelStateError) thrown.state.trim();
  if (thrown instanceof all.ModelBudgetError) thrown.missingBytes.toFixed();
  if (thrown instanceof all.SafetensorsError)
    expectTypeOf(thrown.reason).toEqualTypeOf<all.SafetensorsReason>();
  if (thrown instanceof all.UnloadError) {
    expectTypeOf(thrown).toExtend<all.UnloadBalance>();
    expectTypeOf(thrown.remainingTensors).toEqualTypeOf<all.RemainingTensors | undefined>();
  }
  expectTypeOf<all.CudaError['code']>().toEqualTypeOf<'ERR_CUDA'>();
  expectTypeOf<all.AbortError['code']>().toEqualTypeOf<'ABORT_ERR'>();
  expectTypeOf<all.RemainingTensors['largest']>().toEqualTypeOf<readonly all.RemainingTensor[]>();
}

export async function shutdowns(registry: all.ModelRegistry, logger: all.Logger) {
  const redact: all.Redact = (text) => text;
  const ipc: all.IpcTrigger[] = ['shutdown', 'disconnect'];
  const mode: all.ConsoleMode = 'auto';
  const options: all.ShutdownOptions = {
    ...{ timeoutMs: 10_000, signals: ['SIGTERM'], delayMs: 0, uncaught: true, exit: true },
    ...{ logger, console: mode, report: false, watchdog: true, redact, ipc },
  };
  const shutdown: Shutdown = createShutdown(options);
  const phase: all.Phase = 'models';
  const own: all.StepOptions = {
    phase,
    after: ['http'],
    timeoutMs: 1,
    reserveMs: 1,
    optional: true,
  };
  shutdown.add(
    'database',
    (context) => {
      expectTypeOf(context).toEqualTypeOf<all.StepContext>();
      context.progress(1, 2, 'text');
    },
    own,
  );
  const step: all.Step = { name: 'own', run: ({ signal }) => signal.aborted };
  const target: all.Closeable = { close: () => undefined };
  const log: all.CloseableLogger = { end: () => undefined };
  const closing: all.CloseLoggerOptions = { fsync: true };
  const drain: all.HttpServerOptions = { farewell: (socket) => socket.end() };
  expectTypeOf(drain.farewell).toEqualTypeOf<all.Farewell | undefined>();
  expectTypeOf<http.Server>().toExtend<all.AnyHttpServer>();
  const unload: all.UnloadModelsOptions = { modelTimeoutMs: 1 };
  const clean: all.CudaCleanupOptions = { collectGarbage: false };
  const workers: all.ClusterWorkersOptions = { name: 'workers' };
  const threads: all.WorkerThreadsOptions = { name: 'threads' };
  shutdown
    .add(step)
    .add(all.httpServer(http.createServer(), drain))
    .add(all.unloadModels(registry, unload))
    .add(all.cudaCleanup(clean))
    .add(all.closeLogger(log, closing))
    .add(all.closeable('target', target, own))
    .add(all.clusterWorkers(cluster, workers))
    .add(all.workerThreads(threads));
  expectTypeOf(cluster).toExtend<all.ClusterPrimary>();
  expectTypeOf(shutdown.install()).toEqualTypeOf<() => void>();
  expectTypeOf(shutdown.signal).toEqualTypeOf<AbortSignal>();
  expectTypeOf(await shutdown.start('reason')).toEqualTypeOf<all.ShutdownReport>();
}

export function events(shutdown: all.Shutdown) {
  shutdown
    .on('begin', (event) => expectTypeOf(event).toEqualTypeOf<all.BeginEvent>())
    .on('step', (event) => expectTypeOf(event).toEqualTypeOf<all.StepEvent>())
    .on('progress', (event) => expectTypeOf(event).toEqualTypeOf<all.ProgressEvent>())
    .on('memory', (event) => expectTypeOf(event).toEqualTypeOf<all.MemoryEvent>())
    .on('problem', (event) => expectTypeOf(event).toEqualTypeOf<all.ProblemEvent>())
    .on('forced', (event) => expectTypeOf(event).toEqualTypeOf<all.ForcedEvent>())
    .on('end', (event) => expectTypeOf(event).toEqualTypeOf<all.EndEvent>());
  const listener: all.Listener<'end'> = ({ report }) => report.exitCode;
  shutdown.on('end', listener).off('end', listener);
  expectTypeOf<keyof all.ShutdownEvents>().toExtend<string>();
  expectTypeOf<all.Shutdown>().toExtend<all.EventSource>();
  expectTypeOf<all.BeginEvent['steps']>().toEqualTypeOf<readonly all.PlannedStep[]>();
  expectTypeOf<all.MemoryEvent['devices']>().toEqualTypeOf<readonly all.MeasuredDevice[]>();
  expectTypeOf<all.ProgressEvent>().toExtend<all.ProgressFacts>();
  expectTypeOf<all.ProgressFacts['item']>().toEqualTypeOf<all.ProgressItem | undefined>();
  expectTypeOf<all.ProgressEvent['held']>().toEqualTypeOf<readonly all.HeldMemory[] | undefined>();
}

export function reports(report: all.ShutdownReport) {
  expectTypeOf(report.outcome).toEqualTypeOf<'clean' | 'degraded' | 'forced'>();
  expectTypeOf(report.steps).toEqualTypeOf<readonly all.ReportedStep[]>();
  expectTypeOf<all.ReportedStep['status']>().toEqualTypeOf<all.StepStatus>();
  expectTypeOf(report.errors).toEqualTypeOf<readonly all.ReportedError[]>();
  expectTypeOf(report.models).toEqualTypeOf<readonly all.ReportedModel[]>();
  expectTypeOf(report.devices).toEqualTypeOf<readonly all.ReportedDevice[]>();
  expectTypeOf<all.ReportedDevice['after']>().toEqualTypeOf<all.ReportedMemory | undefined>();
  expectTypeOf<all.CudaCleanupDetails['devices']>().toEqualTypeOf<readonly all.CleanedDevice[]>();
  expectTypeOf<all.UnloadModelsDetails['models']>().toEqualTypeOf<readonly all.ReportedModel[]>();
  expectTypeOf<all.HttpServerDetails['drained']>().toEqualTypeOf<number>();
  expectTypeOf<all.ClusterWorkersDetails['workers']>().toEqualTypeOf<readonly all.WorkerEnd[]>();
  expectTypeOf<all.WorkerThreadsDetails['threads']>().toEqualTypeOf<
    readonly all.ReportedThread[]
  >();
}

export async function observers(shutdown: all.Shutdown) {
  const registry = new Registry();
  await all.metrics(shutdown, registry);
  const options: all.HealthServerOptions = { port: 0, host: '::', registry };
  const health: all.HealthServer = await all.healthServer(shutdown, options);
  await health.close();
  const notifier: all.Notifier = all.systemd(shutdown);
  notifier.ready('serving');
  all.openTelemetry(shutdown);
  const log: all.WinstonLoggerOptions = { level: 'info', file: 'log' };
  const logger = await all.winstonLogger(log);
  expectTypeOf(logger).toEqualTypeOf<WinstonLogger>();
  expectTypeOf(logger).toExtend<all.Logger>();
  const last: all.LastShutdown | undefined = await all.readLastShutdown('reports');
  if (last?.complete === false) {
    expectTypeOf(last.journal).toEqualTypeOf<all.CutOffShutdown>();
    expectTypeOf(last.journal.steps).toEqualTypeOf<readonly all.JournalStep[]>();
    expectTypeOf(last.journal.watchdog).toEqualTypeOf<all.WatchdogFiring | undefined>();
  } else if (last) {
    expectTypeOf(last.report).toEqualTypeOf<all.ShutdownReport>();
  }
}

export async function simulator() {
  const options: testing.SimulationOptions = {
    devices: 2,
    memory: '1GiB',
    faults: 'cudaFree=hang',
  };
  testing.simulateCuda(options);
  expectTypeOf(testing.simulatedEnvironment(options)).toEqualTypeOf<NodeJS.ProcessEnv>();
  testing.injectFault(['cudaFreeAsync=hang']);
  const wait: testing.WaitOptions = { nth: 2, timeoutMs: 1 };
  await testing.waitForCall('cudaFreeAsync', wait);
  testing.releaseHangs();
  expectTypeOf(testing.callCount('cudaFree')).toEqualTypeOf<number>();
  expectTypeOf(testing.ledger()).toEqualTypeOf<testing.Ledger>();
  expectTypeOf(testing.readLedger('file')).toEqualTypeOf<testing.ProcessLedger>();
  expectTypeOf<testing.Ledger['devices']>().toEqualTypeOf<readonly testing.DeviceLedger[]>();
}

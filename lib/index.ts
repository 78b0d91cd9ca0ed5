/** The public names. Importing loads neither the addon nor winston, ora, prom-client and OpenTelemetry: they load when used. */

export { cuda, type DeviceProperties } from './cuda/index.js';
export type { Device } from './cuda/device.js';
export type {
  HeldMemory,
  MeasuredDevice,
  MeasuredMemory as ReportedMemory,
  MemoryReading,
  ProcessMemory,
} from './common/device-memory.js';
export type { MaintenanceOptions } from './cuda/maintenance.js';
export type { Flow, Level, MemoryStats } from './cuda/memory-stats.js';

export { loadModel, type LoadModelOptions, type LoadProgress } from './models/load-model.js';
export type { DeviceMap, ModelDevice } from './models/device-map.js';
export { Model, type ModelState, type ReadOptions, type UnloadOptions } from './models/model.js';
export type { Lease } from './models/lease.js';
export type { TensorInfo } from './models/tensor-info.js';
export type { Dtype } from './models/safetensors/header.js';
export {
  type AddOptions,
  type AdmitContext,
  type AdmitOptions,
  type AdmittedBytes,
  type IdleOptions,
  ModelRegistry,
  type RegistryOptions,
  type UnloadAllOptions,
  type UnloadSummary,
} from './models/registry.js';
export type { Budget, BytesByDevice } from './models/budget.js';
export type { FailedUnload } from './models/unload-all.js';
export type {
  Unloadable,
  UnloadContext,
  UnloadMemory,
  UnloadProgress,
  UnloadResult,
} from './models/unloadable.js';

export { disposable, type DisposableLike } from './runtimes/disposable.js';
export {
  llamaModel,
  type LlamaDisposable,
  type LlamaModelOptions,
  type LlamaRuntimeModel,
} from './runtimes/llama-model.js';
export { onnxSession, type OnnxModel, type OnnxSessionLike } from './runtimes/onnx-session.js';
export type { RuntimeOptions } from './runtimes/options.js';
export type { RuntimeModel, WorkContext } from './runtimes/runtime-model.js';
export {
  transformersPipeline,
  type PipelineLike,
  type PipelineModel,
} from './runtimes/transformers-pipeline.js';

export {
  AbortError,
  CudaError,
  CudaUnavailableError,
  ModelBudgetError,
  ModelStateError,
  SafetensorsError,
  type SafetensorsReason,
  TimeoutError,
  type RemainingTensor,
  type RemainingTensors,
  type UnloadBalance,
  UnloadError,
} from './common/errors.js';

export { createShutdown, type ShutdownOptions } from './create-shutdown.js';
export type { Redact } from './shutdown/redact.js';
export type { Shutdown } from './shutdown/shutdown.js';
export type { Step, StepContext, StepOptions } from './shutdown/step.js';
export type {
  BeginEvent,
  EndEvent,
  EventSource,
  ForcedEvent,
  Listener,
  MemoryEvent,
  Phase,
  PlannedStep,
  ProblemEvent,
  ProgressEvent,
  ProgressFacts,
  ProgressItem,
  ShutdownEvents,
  StepEvent,
} from './shutdown/events.js';
export type {
  ReportedDevice,
  ReportedError,
  ReportedModel,
  ReportedStep,
  ShutdownReport,
  StepStatus,
} from './shutdown/report.js';
export type { IpcTrigger } from './shutdown/ipc.js';
export type { Logger } from './shutdown/logger.js';

export {
  closeLogger,
  type CloseableLogger,
  type CloseLoggerOptions,
} from './steps/close-logger.js';
export { closeable, type Closeable } from './steps/closeable.js';
export {
  clusterWorkers,
  type ClusterWorkersDetails,
  type ClusterWorkersOptions,
} from './steps/cluster-workers.js';
export type { ClusterPrimary } from './steps/cluster/primary.js';
export type { WorkerEnd } from './steps/cluster/worker-end.js';
export {
  cudaCleanup,
  type CleanedDevice,
  type CudaCleanupDetails,
  type CudaCleanupOptions,
} from './steps/cuda-cleanup.js';
export { httpServer, type HttpServerDetails, type HttpServerOptions } from './steps/http-server.js';
export type { AnyHttpServer } from './steps/http/traffic.js';
export type { Farewell } from './steps/http/upgrades.js';
export {
  unloadModels,
  type UnloadModelsDetails,
  type UnloadModelsOptions,
} from './steps/unload-models.js';
export {
  workerThreads,
  type ReportedThread,
  type WorkerThreadsDetails,
  type WorkerThreadsOptions,
} from './steps/worker-threads.js';
export {
  healthServer,
  type HealthServer,
  type HealthServerOptions,
} from './observers/health/health-server.js';
export { systemd } from './systemd.js';
export type { Notifier } from './observers/systemd/systemd-observer.js';
export { openTelemetry } from './observers/open-telemetry.js';
export { metrics } from './observers/metrics/metrics.js';
export { readLastShutdown, type LastShutdown } from './observers/last-shutdown.js';
export type {
  CutOffShutdown,
  JournalStep,
  WatchdogFiring,
} from './observers/journal/read-journal.js';
export { winstonLogger, type WinstonLoggerOptions } from './observers/log/winston.js';
export type { ConsoleMode } from './observers/console/console-observer.js';

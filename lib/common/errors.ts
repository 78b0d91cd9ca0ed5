/**
 * Every error class of the package. Each carries a `code` for programs, a sentence for people and
 * the `cause`.
 */

import { show } from './expected.js';
import { MarkedError } from './marked-error.js';

/** A call of the CUDA runtime failed. `cudaCode` and `cudaName` are those of `cudaError_t`. */
export class CudaError extends MarkedError {
  protected static override readonly mark = Symbol.for('cuda-shutdown.CudaError');

  override readonly name = 'CudaError';
  readonly code = 'ERR_CUDA';
  readonly cudaCode: number;
  readonly cudaName: string;
  /** The name of the runtime function that failed, as `cudaFreeAsync`. */
  readonly call: string;
  /** The device's index, -1 where the call concerns none. */
  readonly device: number;
  /** True when the error ended the device's context: only a new process helps. */
  readonly sticky: boolean;

  constructor(
    message: string,
    details: Pick<CudaError, 'cudaCode' | 'cudaName' | 'call' | 'device' | 'sticky'>,
  ) {
    super(message);
    this.cudaCode = details.cudaCode;
    this.cudaName = details.cudaName;
    this.call = details.call;
    this.device = details.device;
    this.sticky = details.sticky;
  }
}

/** CUDA was needed where there is none: no driver, no device, or no addon built for it. */
export class CudaUnavailableError extends MarkedError {
  protected static override readonly mark = Symbol.for('cuda-shutdown.CudaUnavailableError');

  override readonly name = 'CudaUnavailableError';
  readonly code = 'ERR_CUDA_UNAVAILABLE';
  /** The code of `cuda.unavailableReason`. */
  readonly reason: string;

  constructor(message: string, reason: string) {
    super(message);
    this.reason = reason;
  }
}

/** A tensor whose memory is held. */
export interface RemainingTensor {
  readonly name: string;
  readonly bytes: number;
  /** The index of the device that holds it. */
  readonly device: number;
}

/** The tensors whose memory is held: the largest by name, at most 20, and the rest counted. */
export interface RemainingTensors {
  readonly largest: readonly RemainingTensor[];
  readonly others: number;
  readonly otherBytes: number;
}

/** How much of a model was given back when its unload ended early; the two add up to its bytes. */
export interface UnloadBalance {
  readonly freedBytes: number;
  readonly remainingBytes: number;
  /** What the remaining bytes are; undefined where that is not known, as of another runtime's model. */
  readonly remainingTensors?: RemainingTensors;
}

/** A time limit passed. From `unload()` it also carries the balance. */
export class TimeoutError extends MarkedError {
  protected static override readonly mark = Symbol.for('cuda-shutdown.TimeoutError');

  override readonly name = 'TimeoutError';
  readonly code = 'ERR_TIMEOUT';
  declare readonly freedBytes?: number;
  declare readonly remainingBytes?: number;
  declare readonly remainingTensors?: RemainingTensors;

  constructor(message: string, options: ErrorOptions & Partial<UnloadBalance> = {}) {
    super(message, options);
    assignBalance(this, options);
  }
}

/** The caller's signal aborted. `cause` is the signal's reason, as in Node's own APIs. */
export class AbortError extends MarkedError {
  protected static override readonly mark = Symbol.for('cuda-shutdown.AbortError');

  override readonly name = 'AbortError';
  readonly code = 'ABORT_ERR';
  declare readonly freedBytes?: number;
  declare readonly remainingBytes?: number;
  declare readonly remainingTensors?: RemainingTensors;

  constructor(message: string, options: ErrorOptions & Partial<UnloadBalance> = {}) {
    super(message, options);
    assignBalance(this, options);
  }
}

/** An unload failed in `phase`. `cause` is the CudaError, or what the runtime's own disposal threw. */
export class UnloadError extends MarkedError {
  protected static override readonly mark = Symbol.for('cuda-shutdown.UnloadError');

  override readonly name = 'UnloadError';
  readonly code = 'ERR_UNLOAD';
  readonly phase: 'draining' | 'releasing';
  declare readonly freedBytes: number;
  declare readonly remainingBytes: number;
  declare readonly remainingTensors?: RemainingTensors;

  constructor(
    message: string,
    details: Pick<UnloadError, 'phase'> & UnloadBalance,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.phase = details.phase;
    assignBalance(this, details);
  }
}

/** The model's state does not allow what was asked, as a lease of a model that is being unloaded. */
export class ModelStateError extends MarkedError {
  protected static override readonly mark = Symbol.for('cuda-shutdown.ModelStateError');

  override readonly name = 'ModelStateError';
  readonly code = 'ERR_MODEL_STATE';
  readonly state: string;

  constructor(message: string, state: string) {
    super(message);
    this.state = state;
  }
}

/** What is to be loaded does not fit into the budget of its device. */
export class ModelBudgetError extends MarkedError {
  protected static override readonly mark = Symbol.for('cuda-shutdown.ModelBudgetError');

  override readonly name = 'ModelBudgetError';
  readonly code = 'ERR_MODEL_BUDGET';
  readonly device: number;
  /** What was asked for. */
  readonly bytes: number;
  readonly budgetBytes: number;
  /** What would be missing if all that is idle were unloaded. */
  readonly missingBytes: number;

  constructor(
    message: string,
    details: Pick<ModelBudgetError, 'device' | 'bytes' | 'budgetBytes' | 'missingBytes'>,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.device = details.device;
    this.bytes = details.bytes;
    this.budgetBytes = details.budgetBytes;
    this.missingBytes = details.missingBytes;
  }
}

/**
 * The reasons for which a safetensors file is refused, by the names of the reference implementation
 * (huggingface/safetensors, `SafeTensorError`); `InvalidIndex` is for the index of a sharded model,
 * which the reference does not read.
 */
export type SafetensorsReason =
  | 'HeaderTooSmall'
  | 'HeaderTooLarge'
  | 'InvalidHeaderLength'
  | 'InvalidHeader'
  | 'InvalidHeaderDeserialization'
  | 'InvalidOffset'
  | 'TensorInvalidInfo'
  | 'MetadataIncompleteBuffer'
  | 'ValidationOverflow'
  | 'MisalignedSlice'
  | 'InvalidIndex';

/** The file is not a valid safetensors file. */
export class SafetensorsError extends MarkedError {
  protected static override readonly mark = Symbol.for('cuda-shutdown.SafetensorsError');

  override readonly name = 'SafetensorsError';
  readonly code = 'ERR_SAFETENSORS';
  readonly reason: SafetensorsReason;

  constructor(message: string, reason: SafetensorsReason, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

function assignBalance(error: Error, balance: Partial<UnloadBalance>): void {
  if (balance.freedBytes === undefined || balance.remainingBytes === undefined) return;
  Object.assign(error, {
    freedBytes: balance.freedBytes,
    remainingBytes: balance.remainingBytes,
    ...(balance.remainingTensors === undefined
      ? {}
      : { remainingTensors: balance.remainingTensors }),
  });
}

/** Anything that was thrown, as an Error. Never throws, whatever it was. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error || isErrorByShape(thrown)) return thrown;
  return new Error(`Expected an Error to be thrown, got ${show(thrown)}`, { cause: thrown });
}

/** An Error of another realm (the addon's, a test runner's) is none by `instanceof`. */
function isErrorByShape(thrown: unknown): thrown is Error {
  try {
    const { message, stack } = Object(thrown) as Partial<Error>;
    return typeof message === 'string' && typeof stack === 'string';
  } catch {
    return false; // A getter or a proxy of the user's.
  }
}
